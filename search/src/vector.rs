//! Whether a vector can be looked for in a field: the same words on both engines, before either is asked.

use super::{Error, FieldRef, Kind, Result, Similarity};

pub(super) fn check(field: &FieldRef, vector: &[f32]) -> Result<()> {
    let path = &field.path;
    let Kind::Vector { dims, similarity, indexed } = &field.kind else {
        return Err(Error::invalid(format!("`{path}` holds no vectors")));
    };
    if field.nested.is_some() {
        return Err(Error::Unsupported(format!("a search by `{path}`, which lies in nested elements,")));
    }
    if !indexed {
        return Err(Error::invalid(format!("`{path}` is not indexed: it cannot be searched")));
    }
    if let Some(dims) = dims.filter(|dims| *dims as usize != vector.len()) {
        return Err(Error::invalid(format!("the vector has {} numbers, `{path}` has {dims}", vector.len())));
    }
    let squared: f32 = vector.iter().map(|number| number * number).sum();
    if !squared.is_finite() {
        return Err(Error::invalid("a vector holds finite numbers"));
    }
    match similarity {
        Similarity::Cosine if squared == 0.0 => Err(Error::invalid("a vector of nothing but zeros has no direction")),
        Similarity::DotProduct if (squared - 1.0).abs() > 1e-3 => {
            Err(Error::invalid(format!("`{path}` compares by dot product: the vector must have the length 1")))
        }
        _ => Ok(()),
    }
}

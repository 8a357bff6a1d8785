//! Vectors of a document: read strictly.

use serde_json::Value as Json;

use super::brief;
use crate::Similarity;

/// One vector; what is wrong with it otherwise.
pub fn read_vector(value: &Json, dims: Option<u32>, similarity: Option<Similarity>) -> Result<Vec<f32>, String> {
    let Json::Array(parts) = value else { return Err(format!("{} is no vector: a list of numbers was expected", brief(value))) };
    let vector: Option<Vec<f32>> = parts.iter().map(|part| part.as_f64().map(|number| number as f32)).collect();
    let vector = vector.ok_or("a vector is a list of numbers")?;
    if let Some(dims) = dims
        && vector.len() != dims as usize
    {
        return Err(format!("the vector has {} dimensions, the field has {dims}", vector.len()));
    }
    if vector.is_empty() {
        return Err("the vector has no dimension".into());
    }
    if !vector.iter().all(|part| part.is_finite()) {
        return Err("a vector holds finite numbers".into());
    }
    let squared: f32 = vector.iter().map(|part| part * part).sum();
    match similarity {
        Some(Similarity::Cosine) if squared == 0.0 => Err("by cosine a vector may not be zero".into()),
        Some(Similarity::DotProduct) if (squared - 1.0).abs() > 1e-4 => Err("by dot product a vector has the length 1".into()),
        _ => Ok(vector),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn vectors_fit_their_field() {
        assert!(read_vector(&json!([1, 2, 3]), Some(3), Some(Similarity::Cosine)).is_ok());
        assert!(read_vector(&json!([1, 2]), Some(3), None).is_err());
        assert!(read_vector(&json!([0, 0]), Some(2), Some(Similarity::Cosine)).is_err());
        assert!(read_vector(&json!(["1", "2"]), Some(2), None).is_err());
        assert!(read_vector(&json!([1, 1]), Some(2), Some(Similarity::DotProduct)).is_err());
    }
}

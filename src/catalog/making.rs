//! Collections made and removed through hooke: the same for REST and for GraphQL.

use super::exposure::is_shown;
use super::{Exposed, Watch};
use crate::search::{Call, Collection, CollectionName, Error, FieldRef, Result};

impl Watch {
    /// Makes an empty collection. It is in the catalog once [`Watch::refresh`] has looked.
    ///
    /// A name that cannot be one, or that the settings leave out of the catalog, is [`Error::Invalid`] at `name`.
    pub async fn make(&self, call: &Call, name: &str, fields: Vec<FieldRef>) -> Result<CollectionName> {
        self.may_make()?;
        let wrong = |message: String| Error::Invalid { message, path: vec!["name".into()] };
        let name = CollectionName::parse(name).map_err(|fault| wrong(fault.to_string()))?;
        if !is_shown(&self.config().catalog, name.as_str()) {
            return Err(wrong(format!("the settings leave {name} out of the catalog (catalog.include, catalog.exclude)")));
        }
        let collection = Collection::new(name.clone(), fields);
        self.engine().create(call, &collection).await?;
        tracing::info!(collection = %name, "made a collection");
        Ok(name)
    }

    /// Removes a collection with all its documents. It is out of the catalog once [`Watch::refresh`] has looked.
    pub async fn unmake(&self, call: &Call, exposed: &Exposed) -> Result<()> {
        self.may_make()?;
        let name = &exposed.collection.name;
        self.engine().remove(call, name).await?;
        tracing::info!(collection = %name, "removed a collection");
        Ok(())
    }

    fn may_make(&self) -> Result<()> {
        if self.is_whole() {
            return Ok(());
        }
        Err(Error::Forbidden("your role may not make or remove collections".into()))
    }
}

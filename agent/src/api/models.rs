//! The two models an agent has: one for `/predict`, one for live traffic.

use std::{path::Path, sync::Arc};

use tidegate_models::{Classifier as _, Model, Schema};

use crate::error::AppError;

/// A model for each schema.
#[derive(Clone, Debug)]
pub struct Models {
    /// Judges the rows of `/predict`; its schema is kdd41.
    pub predict: Arc<Model>,
    /// Judges live traffic; its schema is live. `None` where there is none to judge.
    pub live: Option<Arc<Model>>,
}

impl Models {
    /// For `run`: a model file, whichever schema it has, and the shipped model for the other.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn load(path: Option<&Path>) -> Result<Self, AppError> {
        let given = path.map(load).transpose()?;
        let of = |schema| match &given {
            Some(model) if model.schema() == schema => Ok(Arc::clone(model)),
            _ => shipped(schema),
        };
        Ok(Self {
            predict: of(Schema::Kdd41)?,
            live: Some(of(Schema::Live)?),
        })
    }

    /// For `serve`: a model file of schema kdd41, or the shipped one.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn for_predict(path: Option<&Path>) -> Result<Self, AppError> {
        let predict = match path {
            Some(path) => {
                let model = load(path)?;
                if model.schema() != Schema::Kdd41 {
                    return Err(AppError::config(format_args!(
                        "{} is a model of schema {}; /predict needs one of schema {}",
                        path.display(),
                        model.schema(),
                        Schema::Kdd41
                    )));
                }
                model
            }
            None => shipped(Schema::Kdd41)?,
        };
        Ok(Self {
            predict,
            live: None,
        })
    }

    /// Both, as far as there are two.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Model> {
        std::iter::once(&*self.predict).chain(self.live.as_deref())
    }
}

/// A model for live traffic: a shipped one by its name, or a file.
///
/// # Errors
///
/// Names the file and what is wrong with it.
pub(super) fn for_live(name: &str) -> Result<Arc<Model>, AppError> {
    let model = if name.contains('/') {
        load(Path::new(name))?
    } else {
        let model = shipped(Schema::Live)?;
        if name != model.name() && name != Schema::Live.name() {
            return Err(AppError::usage(format_args!(
                "no model for live traffic that comes with this build is called {name:?}: there is {}; a file is \
                 named by its whole path",
                model.name()
            )));
        }
        model
    };
    if model.schema() != Schema::Live {
        return Err(AppError::usage(format_args!(
            "{name} is a model of schema {}; live traffic needs one of schema {}",
            model.schema(),
            Schema::Live
        )));
    }
    Ok(model)
}

fn load(path: &Path) -> Result<Arc<Model>, AppError> {
    Model::load(path).map(Arc::new).map_err(AppError::config)
}

fn shipped(schema: Schema) -> Result<Arc<Model>, AppError> {
    Model::shipped(schema)
        .map(Arc::new)
        .map_err(AppError::config)
}

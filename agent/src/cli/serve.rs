//! `tidegate serve`: `/predict` without a dataplane.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use tidegate_models::Classifier as _;

use super::{args::ServeArgs, logging};
use crate::{
    api::{Api, Limits, Models, Server, bind},
    config::{Config, DEFAULT_TOKEN_FILE},
    error::AppError,
    token::Token,
};

pub(super) fn serve(args: ServeArgs) -> Result<(), AppError> {
    let _log = logging::init(&args.log)?;
    let port = std::env::var("PORT").ok();
    let config = args.resolve(port.as_deref())?;
    let models = Models::for_predict(config.model.as_deref())?;
    let listener = bind(config.api.listen)?;
    let token = token(&config)?;
    // Before the first answer, so that whoever got one can stop us.
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|e| AppError::failure(format_args!("cannot wait for signals: {e}")))?;
    let model = models.predict.name().to_owned();
    let server = Server::start(
        listener,
        Api::predict_only(models, token),
        Limits::default(),
    )?;
    tracing::info!(address = %server.address(), model, "listening");
    if let Some(signal) = signals.forever().next() {
        tracing::info!(signal, "stopping");
    }
    server.stop();
    Ok(())
}

/// Other machines need the token; loopback reads without one, so there its lack is no obstacle.
fn token(config: &Config) -> Result<Option<Token>, AppError> {
    match Token::for_server(&config.token_file) {
        Ok(token) => Ok(Some(token)),
        Err(e)
            if config.api.listen.ip().is_loopback()
                && config.token_file.as_os_str() == DEFAULT_TOKEN_FILE =>
        {
            tracing::debug!("no token: {e}");
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

//! The request that begins a session.

use guest::{ExecRequest, UPGRADE_EXEC};
use hyper::{Request, body::Incoming};

use super::session;
use crate::serve::{
    reply::{Answer, Refused, must_upgrade, read_json, switching},
    sessions::Session,
};

pub(in crate::serve) async fn answer(mut request: Request<Incoming>, counted: Session) -> Answer {
    must_upgrade(&request, UPGRADE_EXEC)?;
    let upgrade = hyper::upgrade::on(&mut request);
    let asked: ExecRequest = read_json(request.into_body()).await?;
    if asked.argv.is_empty() && !asked.login_shell {
        return Err(Refused::bad("there is no command to run"));
    }
    tokio::spawn(async move {
        if let Ok(stream) = upgrade.await {
            session::serve(stream, asked).await;
        }
        drop(counted);
    });
    Ok(switching(UPGRADE_EXEC))
}

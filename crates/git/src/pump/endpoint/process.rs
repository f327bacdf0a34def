//! Services as programs: `git upload-pack` and `git receive-pack`, directly or through ssh.

use super::{PushBody, ssh};
use crate::{
    error::GitError,
    guard,
    process::{Git, GitCommand},
    pump::{
        advertisement::{Advertisement, Service, Version},
        packet::PacketReader,
        remark::{Place, in_stream},
    },
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use packhorse_core::port::ByteStream;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout},
    task::JoinHandle,
};

/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

/// Longest silence of a program: it may count and resolve for long without a word.
const SILENCE: Duration = Duration::from_secs(60 * 60);

/// How the programs are started.
#[derive(Clone)]
pub(super) enum Programs {
    AtPath(Git, PathBuf),
    OverSsh(Git, ssh::Address),
}

impl Programs {
    pub(super) fn at_path(git: &Git, path: &Path) -> Self {
        // Programs do not run in the caller's directory.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self::AtPath(git.clone(), path)
    }

    pub(super) fn over_ssh(git: &Git, address: ssh::Address) -> Self {
        Self::OverSsh(git.clone(), address)
    }

    fn command(&self, service: Service) -> GitCommand {
        match self {
            Self::AtPath(git, path) => {
                let path = path.to_string_lossy();
                let name = service.name().trim_start_matches("git-");
                git.command([name, path.as_ref()]).about(path.into_owned())
            }
            Self::OverSsh(git, address) => {
                let mut arguments = address.arguments();
                arguments.push(format!("{} {}", service.name(), address.quoted_path()));
                git.ssh(arguments).about(format!("{}:{}", address.host, address.path))
            }
        }
    }

    pub(super) async fn connect(
        &self,
        (service, version): (Service, Version),
        place: &Place,
    ) -> Result<(Conversation, Advertisement), GitError> {
        let command = match version {
            Version::V2 => self.command(service).variable("GIT_PROTOCOL", "version=2"),
            Version::V0 => self.command(service),
        };
        if let Self::OverSsh(git, address) = self {
            guard::check_ssh(git, &address.host)?;
        }
        let mut child = command.spawn(Stdio::piped(), Stdio::piped())?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(place.cut_off("its start"));
        };
        let reader =
            PacketReader::new(output(stdout, child, command, place.clone()), place.clone());
        let mut conversation = Conversation { reader, feed: Feed::Idle(stdin) };
        let found = Advertisement::read(&mut conversation.reader, service).await?;
        Ok((conversation, found))
    }
}

/// What a program says. At its end, a program that failed says why; dropping it kills the program.
fn output(stdout: ChildStdout, child: Child, command: GitCommand, place: Place) -> ByteStream {
    let state = (stdout, Some(child), command, BytesMut::new(), place);
    Box::pin(stream::try_unfold(
        state,
        |(mut stdout, mut child, command, mut buffer, place)| async {
            buffer.reserve(PIECE);
            let read = tokio::time::timeout(SILENCE, stdout.read_buf(&mut buffer)).await;
            let Ok(read) = read else { return Err(in_stream(place.cut_off("a long silence"))) };
            if read? > 0 {
                let piece = buffer.split().freeze();
                return Ok(Some((piece, (stdout, child, command, buffer, place))));
            }
            if let Some(child) = child.take() {
                command.wait(child).await.map_err(in_stream)?;
            }
            Ok(None)
        },
    ))
}

/// A program that listens and answers.
pub(crate) struct Conversation {
    reader: PacketReader,
    feed: Feed,
}

/// The way into the program. It is fed beside the reading, since a program
/// whose answers nobody reads stops reading itself.
enum Feed {
    Idle(ChildStdin),
    Busy(Feeding),
    Closed,
}

/// A task that ends when nobody waits for it any more.
struct Feeding(JoinHandle<Option<ChildStdin>>);

impl Drop for Feeding {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Conversation {
    pub(super) async fn ask(&mut self, request: Bytes) -> Result<&mut PacketReader, GitError> {
        let stdin = match std::mem::replace(&mut self.feed, Feed::Closed) {
            Feed::Idle(stdin) => Some(stdin),
            Feed::Busy(mut task) => (&mut task.0).await.ok().flatten(),
            Feed::Closed => None,
        };
        // A program that is gone has its say in what is read.
        if let Some(mut stdin) = stdin {
            self.feed = Feed::Busy(Feeding(tokio::spawn(async move {
                stdin.write_all(&request).await.ok()?;
                Some(stdin)
            })));
        }
        Ok(&mut self.reader)
    }

    pub(super) fn into_rest(self) -> ByteStream {
        let feed = self.feed;
        Box::pin(self.reader.into_rest().inspect(move |_| {
            // Lives as long as what is read.
            let _: &Feed = &feed;
        }))
    }

    pub(super) async fn push(mut self, mut body: PushBody) -> Result<ByteStream, GitError> {
        let Feed::Idle(mut stdin) = std::mem::replace(&mut self.feed, Feed::Closed) else {
            return Err(self.reader.place().cut_off("an earlier request"));
        };
        self.feed = Feed::Busy(Feeding(tokio::spawn(async move {
            while let Some(Ok(piece)) = body.bytes.next().await {
                // What the program thinks of it is in its report.
                if stdin.write_all(&piece).await.is_err() {
                    break;
                }
            }
            // SECURITY: at the end, and at an error as well, the pipe is closed: a pack that
            // is not whole is not taken.
            None
        })));
        Ok(self.into_rest())
    }
}

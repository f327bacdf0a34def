//! Archives on their way: what they say of themselves, and the store of one's own from which a
//! destination fetches them.

use super::HandingOver;
use crate::{config, error::AppError, registry};
use packhorse_core::{
    Cursor, Lane, Object, ObjectKind, Scope, Secret,
    model::Visibility,
    port::{Delivered, Fetches, Handed, Names, Parcel, Part, Source},
};
use packhorse_storage::Storage;
use std::{path::Path, time::Duration};

/// How long a destination may fetch an archive: it may wait for others before it begins.
///
/// Source: github/gh-gei, which signs for as long.
const LASTS: Duration = Duration::from_secs(48 * 3_600);

/// What an archive says of itself.
#[derive(Default)]
struct Said {
    names: Names,
    visibility: Option<Visibility>,
}

impl Said {
    fn take(&mut self, object: Object, project: Option<&str>) {
        if let Object::User(it) = object {
            self.names.users.insert(it.identity.login);
        } else if let Object::Team(it) = object {
            self.names.teams.insert((it.organization, it.slug));
        } else if let Object::Project(it) = object
            && Some(it.path.as_str()) == project
        {
            self.visibility = Some(it.visibility);
        }
    }
}

async fn read(source: &dyn Source, project: Option<&str>) -> Result<Said, AppError> {
    let mut said = Said::default();
    for kind in [ObjectKind::User, ObjectKind::Team, ObjectKind::Project] {
        let (lane, mut at) = (Lane::new(Scope::Shared, kind), None::<Cursor>);
        loop {
            let page = source.read(&lane, at.as_ref()).await?;
            page.records.into_iter().for_each(|it| said.take(it.object, project));
            at = page.next;
            if at.is_none() {
                break;
            }
        }
    }
    Ok(said)
}

/// An address by which whoever has it fetches an archive.
async fn signed(storage: &Storage, key: &str) -> Result<Secret, AppError> {
    let signed = storage.signed_get_url(key, LASTS).await.map_err(|error| {
        AppError::failed("the store gives no address to fetch an archive").because(error)
    })?;
    Ok(Secret::new(signed))
}

impl HandingOver<'_> {
    /// The store from which the destination fetches archives, where somebody has named one.
    fn storage(&self) -> Result<Option<Storage>, AppError> {
        match self.wanted.fetches {
            Fetches::Nothing => Ok(None),
            Fetches::Signed => self.route.archives(),
            Fetches::Keyed => match (self.route.archives()?, self.route.archives_key()?) {
                (Some(_), None) => Err(AppError::usage(
                    "the destination fetches archives from a bucket of S3 by a key of its own",
                )
                .hint("write `archives-key = { id = \"…\", secret = { env = \"…\" }, region = \"…\" }` \
                       below `archives` in the configuration")),
                (archives, _) => Ok(archives),
            },
        }
    }

    /// Tells the destination of an archive.
    pub(super) async fn deliver(
        &mut self,
        n: usize,
        part: Part,
        archive: &Path,
    ) -> Result<Delivered, AppError> {
        let cargo = &self.state.cargos[n];
        let project = cargo.projects.first().filter(|_| cargo.is_of_one);
        let project = project.map(|it| it.target.clone());
        let mut said = Said::default();
        if self.wanted.names && part != Part::Git {
            let scratch = config::scratch(self.globals)?;
            let source = registry::source(&self.location(archive)?, scratch.path())?;
            said = read(&*source, project.as_deref()).await?;
            self.state.cargos[n].visibility = said.visibility;
        }
        let handed = Handed {
            project: project.as_deref(),
            part,
            archive,
            is_stored: self.storage()?.is_some(),
            names: &said.names,
        };
        Ok(self.taking.deliver(handed).await?)
    }

    /// Puts an archive into the store; what it is called there.
    pub(super) async fn store(&self, archive: &Path) -> Result<Option<String>, AppError> {
        let Some(storage) = self.storage()? else { return Ok(None) };
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Nobody guesses where the archive of a private project lies.
        let key = format!("{}/{name}", uuid::Uuid::now_v7().simple());
        storage.put_file(&key, archive).await.map_err(|error| {
            AppError::failed("an archive could not be put into the store").because(error)
        })?;
        Ok(Some(key))
    }

    /// A parcel with addresses at which the destination finds its archives from now on.
    pub(super) async fn addressed(&self, n: usize, mut parcel: Parcel) -> Result<Parcel, AppError> {
        let Some(storage) = self.storage()? else { return Ok(parcel) };
        let keys = self.route.archives_key()?.filter(|_| self.wanted.fetches == Fetches::Keyed);
        for key in self.state.cargos[n].pieces.iter().filter_map(|it| it.stored.as_deref()) {
            match &keys {
                Some(keys) => parcel.objects.push(keys.object(&storage.address_of(key))?),
                None => parcel.addresses.push(signed(&storage, key).await?),
            }
        }
        Ok(parcel)
    }

    /// Takes the archives of a cargo out of the store.
    pub(super) async fn clear(&mut self, n: usize) -> Result<(), AppError> {
        let Some(storage) = self.storage()? else { return Ok(()) };
        for piece in &mut self.state.cargos[n].pieces {
            let Some(key) = piece.stored.clone() else { continue };
            storage.delete(&key).await.map_err(|error| {
                AppError::failed("an archive could not be taken out of the store")
                    .because(error)
                    .hint(format!("remove `{}` by hand", storage.address_of(&key)))
            })?;
            piece.stored = None;
        }
        self.state.save()
    }
}

//! Files in the body of a request. Source: RFC 7578.

use crate::exchange::Request;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use packhorse_core::model::Blob;
use sha2::{Digest as _, Sha256};

/// The text in the field of that name of a form.
pub(crate) fn text(request: &Request, field: &str) -> Option<String> {
    let content_type = request.header("content-type").unwrap_or_default();
    let (_, boundary) = content_type.split_once("boundary=")?;
    let cut = format!("--{}", boundary.trim_matches('"'));
    let marker = format!("name=\"{field}\"\r\n\r\n");
    let body = &request.body;
    let find = |what: &[u8], from: usize| {
        body.get(from..)?.windows(what.len()).position(|it| it == what).map(|at| from + at)
    };
    let begin = find(marker.as_bytes(), 0)? + marker.len();
    let end = find(format!("\r\n{cut}").as_bytes(), begin)?;
    Some(String::from_utf8_lossy(&body[begin..end]).into_owned())
}

/// A file of a request: a part of a form, or the whole body.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

impl File {
    /// The file in the field of that name, or the whole body where it is no form.
    pub(crate) fn of(request: &Request, field: &str) -> Option<Self> {
        let content_type = request.header("content-type").unwrap_or_default();
        let asked = request.query("name").filter(|it| !it.is_empty()).map(str::to_owned);
        let Some((_, boundary)) = content_type.split_once("boundary=") else {
            let content_type = Some(content_type.to_owned());
            return Some(Self { name: asked?, content_type, bytes: request.body.clone() });
        };
        let boundary = format!("--{}", boundary.trim_matches('"'));
        let body = &request.body;
        let find = |what: &[u8], from: usize| {
            body.get(from..)?.windows(what.len()).position(|it| it == what).map(|at| from + at)
        };
        let marker = find(format!("name=\"{field}\"").as_bytes(), 0)?;
        let head_end = find(b"\r\n\r\n", marker)?;
        let begin = head_end + 4;
        let end = find(format!("\r\n{boundary}").as_bytes(), begin)?;
        let head = String::from_utf8_lossy(body.get(marker..head_end)?).into_owned();
        let file_name =
            head.split("filename=\"").nth(1).and_then(|it| it.split('"').next()).map(str::to_owned);
        let lower = head.to_lowercase();
        let kind = lower
            .split("content-type:")
            .nth(1)
            .and_then(|it| it.lines().next())
            .map(|it| it.trim().to_owned());
        Some(Self { name: asked.or(file_name)?, content_type: kind, bytes: body.slice(begin..end) })
    }

    /// Size and hash of it.
    pub(crate) fn blob(&self) -> Blob {
        let hash = HEXLOWER.encode(&Sha256::digest(&self.bytes));
        Blob { size: Some(self.bytes.len() as u64), sha256: Some(hash) }
    }
}

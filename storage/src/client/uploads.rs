//! Uploads to S3 that were not completed: a listing that no client offers, by a request of our own.

use object_store::{
    ClientOptions,
    aws::{AwsAuthorizer, AwsCredentialProvider},
    client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector},
};
use rsk_proto::Cause;
use std::{fmt::Write, time::Duration};
use tokio::time::sleep;

const TRIES_MAX: u32 = 6;
const PAUSE: Duration = Duration::from_millis(200);

/// Asks one bucket.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    client: HttpClient,
    /// The bucket's, without a slash at its end.
    url: String,
    region: String,
    credentials: AwsCredentialProvider,
}

impl Uploads {
    pub(super) fn new(
        options: &ClientOptions,
        url: String,
        region: String,
        credentials: AwsCredentialProvider,
    ) -> object_store::Result<Uploads> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(Uploads { client, url, region, credentials })
    }

    /// Key and name of each upload to a key that begins so.
    ///
    /// Cost: a request for each thousand.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<(String, String)>, Cause> {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let query = format!("?{after}prefix={}&uploads=", encoded(prefix));
            let answer = self.ask(&query).await?;
            let page =
                Page::parse(&answer).ok_or_else(|| Cause::new("a listing of uploads is not understood"))?;
            found.extend(page.uploads);
            let Some((key, id)) = page.next else { return Ok(found) };
            let mut next = format!("key-marker={}&", encoded(&key));
            if !id.is_empty() {
                next = format!("{next}upload-id-marker={}&", encoded(&id));
            }
            if next == after {
                return Err(Cause::new("a listing of uploads does not end"));
            }
            after = next;
        }
    }

    async fn ask(&self, query: &str) -> Result<String, Cause> {
        let mut said = Cause::new("nothing was asked");
        for tried in 0..TRIES_MAX {
            if tried > 0 {
                sleep(PAUSE * 2u32.pow(tried)).await;
            }
            let credential = self.credentials.get_credential().await.map_err(|error| Cause::of(&error))?;
            let mut request = HttpRequest::new(HttpRequestBody::empty());
            *request.uri_mut() = format!("{}{query}", self.url)
                .parse()
                .map_err(|_| Cause::new(format!("cannot ask {:?}", self.url)))?;
            AwsAuthorizer::new(&credential, "s3", &self.region).authorize(&mut request, None);
            let answer = match self.client.execute(request).await {
                Ok(answer) => answer,
                Err(error) => {
                    said = Cause::of(&error);
                    continue;
                }
            };
            let status = answer.status();
            let body = match answer.into_body().bytes().await {
                Ok(body) => String::from_utf8_lossy(&body).into_owned(),
                Err(error) => {
                    said = Cause::of(&error);
                    continue;
                }
            };
            if status.is_success() {
                return Ok(body);
            }
            // Not all of it: some answers repeat what was signed.
            let code =
                body.split("<Code>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
            said = Cause::new(format!("listing uploads was answered by {status} {code}"));
            if !status.is_server_error() {
                break;
            }
        }
        Err(said)
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Text takes all that is written to it.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
        encoded
    })
}

struct Page {
    uploads: Vec<(String, String)>,
    next: Option<(String, String)>,
}

impl Page {
    fn parse(answer: &str) -> Option<Page> {
        let document = roxmltree::Document::parse(answer).ok()?;
        let text = |node: roxmltree::Node<'_, '_>, name: &str| {
            let found = node.children().find(|child| child.tag_name().name() == name)?;
            Some(found.text().unwrap_or_default().to_owned())
        };
        let root = document.root_element();
        let uploads = root.children().filter(|child| child.tag_name().name() == "Upload");
        let uploads: Option<Vec<_>> =
            uploads.map(|upload| Some((text(upload, "Key")?, text(upload, "UploadId")?))).collect();
        let is_cut = text(root, "IsTruncated").is_some_and(|cut| cut == "true");
        let marker = |name| text(root, name).unwrap_or_default();
        let next = is_cut.then(|| (marker("NextKeyMarker"), marker("NextUploadIdMarker")));
        Some(Page { uploads: uploads?, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_uploads_and_where_the_next_begins() {
        let page = Page::parse(
            r#"<?xml version="1.0"?><ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
            <IsTruncated>true</IsTruncated><NextKeyMarker>a b</NextKeyMarker><NextUploadIdMarker>2</NextUploadIdMarker>
            <Upload><Key>a</Key><UploadId>1</UploadId></Upload><Upload><Key>a b</Key><UploadId>2</UploadId></Upload>
            </ListMultipartUploadsResult>"#,
        )
        .unwrap();
        let pair = |key: &str, id: &str| (key.to_owned(), id.to_owned());
        assert_eq!(page.uploads, [pair("a", "1"), pair("a b", "2")]);
        assert_eq!(page.next, Some(pair("a b", "2")));
        assert!(Page::parse("<a><Upload/></a>").is_none());
        assert_eq!(encoded("a b/ü~"), "a%20b%2F%C3%BC~");
    }
}

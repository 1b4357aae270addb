//! JSON Web Tokens that we sign ourselves.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use lakeflow_interface::{Error, ErrorKind, Result, Secret};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value as Json, json};

use super::token::FreshToken;
use crate::redact::Redactor;

/// A JSON Web Token (RFC 7519) that we sign.
#[derive(Clone)]
pub struct Jwt {
    /// How it is signed.
    pub algorithm: JwtAlgorithm,
    /// PKCS 8 in PEM form, or the secret of HS256.
    pub key: Secret,
    /// The header `kid`.
    pub key_id: Option<String>,
    /// What it claims, besides `iat` and `exp`.
    pub claims: Vec<(String, String)>,
    /// How long it is valid.
    pub lifetime: Duration,
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// RSA with SHA-256.
    Rs256,
    /// The curve P-256 with SHA-256.
    Es256,
    /// HMAC with SHA-256.
    Hs256,
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").field("algorithm", &self.algorithm).field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Jwt {
    pub(super) fn hide(&self, redactor: &Redactor) {
        redactor.learn(&self.key);
    }

    /// A token that is valid from now on.
    pub(super) fn sign(&self) -> Result<FreshToken> {
        let name = match self.algorithm {
            JwtAlgorithm::Rs256 => "RS256",
            JwtAlgorithm::Es256 => "ES256",
            JwtAlgorithm::Hs256 => "HS256",
        };
        let mut header = json!({"alg": name, "typ": "JWT"});
        if let Some(id) = &self.key_id {
            header["kid"] = json!(id);
        }
        let now = Utc::now().timestamp();
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let mut claims: Map<String, Json> =
            self.claims.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        claims.insert("iat".to_owned(), json!(now));
        claims.insert("exp".to_owned(), json!(now.saturating_add(lifetime)));
        let encoded = |value: &Json| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encoded(&header), encoded(&Json::Object(claims)));
        let signature = URL_SAFE_NO_PAD.encode(self.signature(message.as_bytes())?);
        Ok(FreshToken { secret: Secret::new(format!("{message}.{signature}")), lifetime: Some(self.lifetime) })
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match self.algorithm {
            JwtAlgorithm::Hs256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.expose().as_bytes());
                Ok(hmac::sign(&key, message).as_ref().to_vec())
            }
            JwtAlgorithm::Rs256 => {
                let key =
                    RsaKeyPair::from_pkcs8(self.pkcs8()?.secret_pkcs8_der()).map_err(|_| bad_key("an RSA key"))?;
                let mut signature = vec![0; key.public_modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.map_err(|_| bad_key("an RSA key that can sign"))?;
                Ok(signature)
            }
            JwtAlgorithm::Es256 => {
                let der = self.pkcs8()?;
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der());
                let key = key.map_err(|_| bad_key("a key of the curve P-256"))?;
                let signed = key.sign(&random, message).map_err(|_| bad_key("a key that can sign"))?;
                Ok(signed.as_ref().to_vec())
            }
        }
    }

    /// The key; line breaks may have been written as `\n`, as they are within JSON files of keys.
    fn pkcs8(&self) -> Result<PrivatePkcs8KeyDer<'static>> {
        let text = self.key.expose().replace("\\n", "\n");
        PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|_| bad_key("PEM with `BEGIN PRIVATE KEY`"))
    }
}

fn bad_key(expected: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("expected {expected} as the private key, found something else"))
        .with_hint(
            "give the whole text of the key file, PKCS 8 in PEM form; `openssl pkcs8 -topk8 -nocrypt` converts others",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_has_header_claims_and_signature() {
        let jwt = Jwt {
            algorithm: JwtAlgorithm::Hs256,
            key: Secret::new("geheim"),
            key_id: Some("k1".to_owned()),
            claims: vec![("iss".to_owned(), "me".to_owned())],
            lifetime: Duration::from_secs(60),
        };
        let token = jwt.sign().unwrap();
        let text = token.secret.expose().to_owned();
        let parts: Vec<&str> = text.split('.').collect();
        let json = |part: &str| -> Json { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
        assert_eq!(json(parts[0]), json!({"alg": "HS256", "typ": "JWT", "kid": "k1"}));
        let claims = json(parts[1]);
        assert_eq!(claims["iss"], "me");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"geheim");
        let message = format!("{}.{}", parts[0], parts[1]);
        hmac::verify(&key, message.as_bytes(), &URL_SAFE_NO_PAD.decode(parts[2]).unwrap()).unwrap();
        assert!(!format!("{jwt:?}").contains("geheim"));
    }

    #[test]
    fn key_that_is_none_is_an_error_that_does_not_show_it() {
        for algorithm in [JwtAlgorithm::Rs256, JwtAlgorithm::Es256] {
            let key = Secret::new("geheim");
            let jwt = Jwt { algorithm, key, key_id: None, claims: Vec::new(), lifetime: Duration::from_secs(60) };
            let error = jwt.sign().err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(!format!("{error:?}").contains("geheim"));
        }
    }
}

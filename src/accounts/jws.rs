//! Signed tokens (JWS in its compact form): framing, and signatures checked by ring. Which algorithms may be used, and what a token
//! says, is for whoever asks: a token never chooses its own key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value as Json, json};

/// Longer ones are not looked at.
const LONGEST: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

use Algorithm::{EdDsa, Es256, Es384, Hs256, Hs384, Hs512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};

impl Algorithm {
    /// By its exact name: `none` is none of them, nor is any other spelling.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Hs256,
            "HS384" => Hs384,
            "HS512" => Hs512,
            "RS256" => Rs256,
            "RS384" => Rs384,
            "RS512" => Rs512,
            "PS256" => Ps256,
            "PS384" => Ps384,
            "PS512" => Ps512,
            "ES256" => Es256,
            "ES384" => Es384,
            "EdDSA" => EdDsa,
            _ => return None,
        })
    }

    fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Hs256 => Some(hmac::HMAC_SHA256),
            Hs384 => Some(hmac::HMAC_SHA384),
            Hs512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Rs512 => &RSA_PKCS1_2048_8192_SHA512,
            Ps256 => &RSA_PSS_2048_8192_SHA256,
            Ps384 => &RSA_PSS_2048_8192_SHA384,
            Ps512 => &RSA_PSS_2048_8192_SHA512,
            _ => return None,
        })
    }
}

/// What signatures are checked with. Each kind takes only algorithms of its kind: a public key never passes for a secret.
#[derive(Clone)]
pub(super) enum Key {
    Shared(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Key::Shared(secret), _) => {
                algorithm.hmac().is_some_and(|hash| hmac::verify(&hmac::Key::new(hash, secret), message, signature).is_ok())
            }
            (Key::Rsa { n, e }, _) => algorithm
                .rsa()
                .is_some_and(|parameters| RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()),
            (Key::P256(point), Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            (Key::P384(point), Es384) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature).is_ok()
            }
            (Key::Ed25519(key), EdDsa) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok(),
            _ => false,
        }
    }

    /// Whether signatures of this algorithm can be checked with it.
    pub(super) fn takes(&self, algorithm: Algorithm) -> bool {
        match self {
            Key::Shared(_) => algorithm.hmac().is_some(),
            Key::Rsa { .. } => algorithm.rsa().is_some(),
            Key::P256(_) => algorithm == Es256,
            Key::P384(_) => algorithm == Es384,
            Key::Ed25519(_) => algorithm == EdDsa,
        }
    }

    /// Of a set of keys; `None` for kinds that are not taken, above all secrets, and for what is not for checking signatures.
    pub(super) fn of_jwk(jwk: &Json) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Json::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let point = |length: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            (x.len() == length && y.len() == length).then(|| [&[4_u8][..], &x, &y].concat())
        };
        let is = |name: &str, wanted: &str| jwk.get(name).is_none_or(|told| told == wanted);
        let operations = jwk.get("key_ops").map(|told| told.as_array().is_some_and(|all| all.iter().any(|one| one == "verify")));
        if !is("use", "sig") || operations == Some(false) {
            return None;
        }
        match (text("kty")?, text("crv")) {
            ("RSA", _) => rsa(bytes("n")?, bytes("e")?),
            ("EC", Some("P-256")) => point(32).map(Key::P256),
            ("EC", Some("P-384")) => point(48).map(Key::P384),
            ("OKP", Some("Ed25519")) => bytes("x").filter(|x| x.len() == 32).map(Key::Ed25519),
            _ => None,
        }
    }

    /// `PUBLIC KEY` (SPKI) or `RSA PUBLIC KEY` (PKCS #1) in PEM.
    pub(super) fn of_pem(text: &str) -> Option<Self> {
        let (label, rest) = text.split_once("-----BEGIN ")?.1.split_once("-----")?;
        let body: String = rest.split("-----END").next()?.split_whitespace().collect();
        let der = STANDARD.decode(body).ok()?;
        match label {
            "RSA PUBLIC KEY" => rsa_of_der(&der),
            "PUBLIC KEY" => {
                let spki = der::whole(der::SEQUENCE, &der)?;
                let (algorithm, rest) = der::read(der::SEQUENCE, spki)?;
                let (kind, parameters) = der::read(der::OBJECT, algorithm)?;
                let bits = der::whole(der::BITS, rest)?;
                let (unused, key) = bits.split_first()?;
                if *unused != 0 {
                    return None;
                }
                match kind {
                    der::RSA if parameters == der::NULL => rsa_of_der(key),
                    der::ED25519 if key.len() == 32 && parameters.is_empty() => Some(Key::Ed25519(key.to_vec())),
                    der::EC => match der::whole(der::OBJECT, parameters)? {
                        der::P256 if key.len() == 65 => Some(Key::P256(key.to_vec())),
                        der::P384 if key.len() == 97 => Some(Key::P384(key.to_vec())),
                        _ => None,
                    },
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Of 2,048 bits to 8,192, as its signatures are checked: a shorter one is refused where settings name it, not at every token.
fn rsa(n: Vec<u8>, e: Vec<u8>) -> Option<Key> {
    let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
    let plain = n.first() != Some(&0) && e.first().is_some_and(|first| *first != 0);
    (plain && (2_048..=8_192).contains(&bits)).then_some(Key::Rsa { n, e })
}

fn rsa_of_der(der: &[u8]) -> Option<Key> {
    let numbers = der::whole(der::SEQUENCE, der)?;
    let (n, rest) = der::read(der::INTEGER, numbers)?;
    let e = der::whole(der::INTEGER, rest)?;
    // one zero before a number whose first bit is set, and none before another: without it that would be negative
    let positive = |number: &[u8]| match number {
        [0, rest @ ..] => rest.first().is_some_and(|first| *first >= 0x80).then(|| rest.to_vec()),
        [first, ..] if *first < 0x80 => Some(number.to_vec()),
        _ => None,
    };
    rsa(positive(n)?, positive(e)?)
}

/// As much of DER as public keys need.
mod der {
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BITS: u8 = 0x03;
    pub(super) const OBJECT: u8 = 0x06;
    pub(super) const NULL: &[u8] = &[0x05, 0];
    pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    pub(super) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0, 0x22];
    pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

    /// The content of the value that begins here, and what comes after it.
    pub(super) fn read(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        let (&[found, short], mut rest) = bytes.split_first_chunk::<2>()?;
        if found != tag {
            return None;
        }
        let mut length = usize::from(short);
        if short >= 0x80 {
            let count = usize::from(short & 0x7f);
            if !(1..=3).contains(&count) {
                return None;
            }
            let (digits, after) = rest.split_at_checked(count)?;
            // DER writes a length in one way: without zeros before it, and short where it can be
            if digits.first() == Some(&0) || count == 1 && digits.first().is_some_and(|digit| *digit < 0x80) {
                return None;
            }
            length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
            rest = after;
        }
        rest.split_at_checked(length)
    }

    /// The same of a value after which nothing comes.
    pub(super) fn whole(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
        read(tag, bytes).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
    }
}

/// An object that names each member once: of two of one name others might believe the one that we do not.
struct Strict(Map<String, Json>);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;

        impl<'de> Visitor<'de> for Reading {
            type Value = Strict;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Strict, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Json>()? {
                    if map.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member is there twice"));
                    }
                }
                Ok(Strict(map))
            }
        }

        deserializer.deserialize_map(Reading)
    }
}

/// A token as it was written: nothing of it is to be believed before its signature was checked.
pub(super) struct Token<'t> {
    pub(super) algorithm: Algorithm,
    /// Which key its writer says it was signed with.
    pub(super) kid: Option<String>,
    /// What is signed.
    message: &'t [u8],
    signature: Vec<u8>,
    claims: Map<String, Json>,
}

impl<'t> Token<'t> {
    pub(super) fn read(text: &'t str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let object = |part: &str| {
            let Strict(object) = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
            Some(object)
        };
        let header = object(header)?;
        // extensions that must be understood, and are not; a payload that is not coded is one of them
        if header.contains_key("crit") || header.contains_key("b64") {
            return None;
        }
        let algorithm = Algorithm::parse(header.get("alg")?.as_str()?)?;
        let kid = match header.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Token { algorithm, kid, message: message.as_bytes(), signature, claims: object(claims)? })
    }

    /// What an unchecked token says of who wrote it: good for choosing who checks it, and for nothing else.
    pub(super) fn claimed_issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Json::as_str)
    }

    /// Its claims, whoever has written them: only where a test has left signatures out.
    pub(super) fn unchecked(self) -> Map<String, Json> {
        self.claims
    }

    /// Its claims, if this key has signed it by one of these algorithms.
    pub(super) fn checked(self, key: &Key, allowed: &[Algorithm]) -> Option<Map<String, Json>> {
        let fine = allowed.contains(&self.algorithm) && key.verifies(self.algorithm, self.message, &self.signature);
        fine.then_some(self.claims)
    }
}

/// A token of our own, signed by HS256.
pub(super) fn write(secret: &[u8], claims: &Json) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

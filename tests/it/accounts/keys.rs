//! Keys of programs.

use std::time::Instant;

use serde_json::json;

use super::{add_user, await_refusal, command, me, on_both, on_two, send, token};

#[tokio::test]
async fn a_key_is_shown_once_holds_for_its_scopes_and_ends_at_once() {
    on_two(async |house, there| {
        let app = &house.app;
        let user = add_user(app, "ada@example.org", "admin").await;
        let token = token(app, "ada@example.org").await;
        let body = json!({ "name": "nightly", "scopes": ["read"], "expires": "2090-01-01T00:00:00Z" });
        let (status, made) = send(app, "POST", "/v1/keys", Some(&token), Some(body)).await;
        // an administrator who names nobody means a key of their own
        assert_eq!((status, &made["user"]), (201, &user["id"]), "{made}");
        let key = made["key"].as_str().unwrap();
        assert!(key.starts_with(made["prefix"].as_str().unwrap()) && key.len() > 70);
        let (_, listed) = send(app, "GET", "/v1/keys", Some(&token), None).await;
        assert_eq!(
            (&listed["keys"][0]["name"], &listed["keys"][0]["expires"]),
            (&json!("nightly"), &json!("2090-01-01T00:00:00Z"))
        );
        assert!(!listed.to_string().contains(&key[24..]), "{listed}");

        let (status, who) = send(there, "GET", "/v1/me", Some(key), None).await;
        assert_eq!((status, &who["kind"], &who["claims"]["sub"]), (200, &json!("key"), &user["id"]));
        let from = Instant::now();
        loop {
            let (_, listed) = send(app, "GET", "/v1/keys", Some(&token), None).await;
            if listed["keys"][0]["lastUsed"].is_string() {
                break;
            }
            assert!(from.elapsed().as_secs() < 10, "{listed}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        // neither keys nor users are made by keys, whatever their role
        for (path, body) in [
            ("/v1/keys", json!({ "name": "x" })),
            ("/v1/users", json!({ "email": "x@example.org", "password": "0123456789", "role": "admin" })),
            ("/v1/logout", json!({})),
        ] {
            assert_eq!(send(app, "POST", path, Some(key), Some(body)).await.0, 403, "{path}");
        }
        for changed in
            [format!("{}0", &key[..key.len() - 1]), format!("{key}0"), key[..key.len() - 1].to_owned(), key.to_uppercase()]
        {
            if changed != key {
                assert_eq!(me(app, &changed).await, 401, "{changed}");
            }
        }
        let from = Instant::now();
        let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
        assert_eq!(send(app, "DELETE", &path, Some(&token), None).await.0, 204);
        await_refusal(app, key, from).await;
        await_refusal(there, key, from).await;
        assert_eq!(send(app, "DELETE", &path, Some(&token), None).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn keys_are_steered_by_their_users_and_end_with_them() {
    on_both(
        |_| {},
        async |house| {
            let app = &house.app;
            add_user(app, "ada@example.org", "member").await;
            add_user(app, "bob@example.org", "member").await;
            let (ada, bob) = (token(app, "ada@example.org").await, token(app, "bob@example.org").await);
            let (_, made) = send(app, "POST", "/v1/keys", Some(&ada), Some(json!({ "name": "a" }))).await;
            let (key, path) = (made["key"].as_str().unwrap(), format!("/v1/keys/{}", made["id"].as_str().unwrap()));
            assert_eq!(send(app, "DELETE", &path, Some(&bob), None).await.0, 404);
            assert_eq!(send(app, "GET", "/v1/keys", Some(&bob), None).await.1["keys"], json!([]));
            for wrong in [
                json!({ "name": "" }),
                json!({ "name": "a", "scopes": ["all"] }),
                json!({ "name": "a", "expires": "2001-01-01T00:00:00Z" }),
                json!({ "name": "a", "expires": "soon" }),
            ] {
                assert_eq!(send(app, "POST", "/v1/keys", Some(&ada), Some(wrong.clone())).await.0, 400, "{wrong}");
            }
            for wrong in [json!({ "name": "a", "role": "admin" }), json!({ "name": "a", "user": "bob@example.org" })] {
                assert_eq!(send(app, "POST", "/v1/keys", Some(&ada), Some(wrong.clone())).await.0, 403, "{wrong}");
            }
            let service = json!({ "name": "service", "role": "member" });
            let (status, service) = send(app, "POST", "/v1/keys", Some(&command(app)), Some(service)).await;
            assert_eq!(status, 201, "{service}");
            assert_eq!(me(app, service["key"].as_str().unwrap()).await, 200);
            assert_eq!(me(app, key).await, 200);
            let from = Instant::now();
            assert_eq!(send(app, "DELETE", "/v1/users/ada@example.org", Some(&command(app)), None).await.0, 204);
            await_refusal(app, key, from).await;
            await_refusal(app, &ada, from).await;
            // the address is free again
            add_user(app, "ada@example.org", "member").await;
            assert_eq!(me(app, key).await, 401);
        },
    )
    .await;
}

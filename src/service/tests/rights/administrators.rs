//! Of administrators one is always left, who can come in.

use super::*;

const NONE: &str = "nobody is left who administers";

impl World {
    /// Who administers and can come in.
    async fn administrators(&self) -> Vec<&'static str> {
        let mut left = Vec::new();
        for id in ["root", "chief"] {
            let still = self.service.signed_in_still(&owner_id(id)).await.unwrap();
            if still.is_some_and(|it| it.blocked.is_none() && Role::Administrator.is_of(&it)) {
                left.push(id);
            }
        }
        left
    }

    /// Both of them again.
    async fn restore(&self) {
        let service = &self.service;
        service.unblock_company(&self.by, &acme(), "").await.unwrap();
        for (id, company) in [("root", json!(null)), ("chief", json!("acme"))] {
            service.unblock_owner(&self.by, &owner_id(id), "").await.unwrap();
            let change = json!({"roles": ["administrator"], "company": company});
            service.update_owner(&self.by, &owner_id(id), &input(change)).await.unwrap();
        }
        assert_eq!(self.administrators().await, ["root", "chief"]);
    }

    /// One way in which an administrator takes another away.
    async fn takes(&self, way: Way, by: &Caller, whom: &str) -> Result<(), ServiceError> {
        let (service, id) = (&self.service, owner_id(whom));
        let change = async |body| service.update_owner(by, &id, &input(body)).await.map(drop);
        match way {
            Way::Role => change(json!({"roles": []})).await,
            Way::Block => service.block_owner(by, &id, "").await.map(drop),
            Way::Company => service.block_company(by, &acme(), "").await.map(drop),
            Way::Move => change(json!({"company": "closed"})).await,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Way {
    /// The role is taken.
    Role,
    /// They are blocked.
    Block,
    /// Their company is.
    Company,
    /// They are moved into one that is.
    Move,
}

fn acme() -> crate::domain::id::Slug {
    "acme".parse().unwrap()
}

async fn two() -> World {
    let world = world().await;
    for id in ["acme", "closed"] {
        world.service.create_company(&world.by, input(json!({ "id": id }))).await.unwrap();
    }
    world.service.block_company(&world.by, &"closed".parse().unwrap(), "").await.unwrap();
    world
}

/// Each was let in while both were administrators; the second finds that it is none any more.
#[tokio::test(flavor = "multi_thread")]
async fn w15_of_two_administrators_who_remove_each_other_one_is_left() {
    let world = two().await;
    for first in [Way::Role, Way::Block, Way::Company, Way::Move] {
        // What is done to the company of `chief` is done by `root`.
        for second in [Way::Role, Way::Block, Way::Move] {
            world.restore().await;
            let (root, chief) = (world.person("root").await, world.person("chief").await);
            world.takes(first, &root, "chief").await.unwrap();
            let (status, said) = problem(world.takes(second, &chief, "root").await);
            assert_eq!(status, 403, "{first:?}, {second:?}: {said}");
            assert_eq!(world.administrators().await, ["root"], "{NONE}");
        }
    }
}

/// The same for acts that are really under way at once.
#[tokio::test(flavor = "multi_thread")]
async fn w15_of_two_administrators_one_is_left_however_they_meet() {
    let world = Arc::new(two().await);
    for way in [Way::Role, Way::Block, Way::Move].into_iter().cycle().take(12) {
        world.restore().await;
        let (root, chief) = (world.person("root").await, world.person("chief").await);
        let both = [(root, "chief"), (chief, "root")].map(|(by, whom)| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.takes(way, &by, whom).await.is_ok() })
        });
        let mut done = 0;
        for one in both {
            done += usize::from(one.await.unwrap());
        }
        assert_eq!((done, world.administrators().await.len()), (1, 1), "{way:?}: {NONE}");
    }
}

/// Nor does anybody shut themselves out.
#[tokio::test(flavor = "multi_thread")]
async fn w15_an_administrator_does_not_move_into_a_blocked_company() {
    let world = two().await;
    let root = world.person("root").await;
    let error = world.takes(Way::Move, &root, "root").await.unwrap_err();
    assert_eq!((error.status(), error.at_field()), (403, Some("company")), "{error}");
    // Whom another made one of the company meanwhile does not block it.
    let moved = input(json!({"company": "acme"}));
    world.service.update_owner(&world.by, &owner_id("root"), &moved).await.unwrap();
    let (status, said) = problem(world.takes(Way::Company, &root, "chief").await);
    assert!(status == 403 && said.starts_with("nobody blocks their own company"), "{said}");
    // The operator of the machine may do all of it.
    world.takes(Way::Move, &world.by, "root").await.unwrap();
    world.takes(Way::Role, &world.by, "chief").await.unwrap();
    assert!(world.administrators().await.is_empty());
}

//! Texts of property protection files, and who may do what by them.

use super::{BadProtection, LENGTH_MAX, Operation, PropertyRules};
use crate::model::identity::Identity;
use crate::policy::{Answers, Policy, Settings};

const ALL: &str = "create = @\nread = @\nupdate = @\ndelete = @\n";

fn caller(roles: &[&str]) -> Identity {
    Identity { roles: roles.iter().map(|role| (*role).to_owned()).collect(), ..Identity::default() }
}

/// What the caller may do, as `crud` with a dot for what is denied.
fn may(rules: &PropertyRules, policy: &Policy, caller: &Identity, name: &str) -> String {
    let open = |operation| rules.guard(operation, name).decide_by(&Answers::default(), policy, caller).unwrap_or(false);
    [(Operation::Create, 'c'), (Operation::Read, 'r'), (Operation::Update, 'u'), (Operation::Delete, 'd')]
        .map(|(operation, letter)| if open(operation) { letter } else { '.' })
        .iter()
        .collect()
}

#[test]
fn roles() {
    let rules = PropertyRules::by_roles(
        "# who owns it\n[^x_owner_.*]\ncreate = admin,Member\nread: admin , member\n  ,reader\nupdate = admin\ndelete =\n\n\
         [DEFAULT]\nDELETE = admin\n[x_.*_all]\ncreate = @\nread = @,admin\nupdate = !\n\
         ; the rest\n[_.*$]\nCREATE = !\nread = reader\nupdate = reader,!\n\
         [os_glance.*]\ncreate = !\n",
    );
    let rules = rules.expect("readable rules");
    assert_eq!(rules.warnings(), ["nobody may delete properties of [^x_owner_.*]"]);
    let mut passed_on = caller(&["member"]);
    passed_on.service_roles = vec!["admin".to_owned()];
    for (who, name, may_do) in [
        (caller(&["member"]), "x_owner_1", "cr.."),
        (caller(&["reader"]), "x_owner_1", ".r.."),
        (caller(&["admin"]), "x_owner_1", "cru."),
        (caller(&["nobody"]), "x_owner_1", "...."),
        (passed_on, "x_owner_1", "cru."),
        (caller(&[]), "x_some_all", "cr.."),
        (caller(&["admin"]), "x_some_all", "cr.d"),
        // Found anywhere in the name; the first section that is found decides.
        (caller(&["reader"]), "a_b", ".r.."),
        (caller(&["reader", "admin"]), "not_x_owner_1", ".r.d"),
        // In no section: nobody.
        (caller(&["admin"]), "plain", "...."),
        // What the service notes is not the operator's.
        (caller(&[]), "os_glance_import_task", "crud"),
    ] {
        assert_eq!(may(&rules, &Policy::default(), &who, name), may_do, "{who:?} {name}");
    }
}

#[test]
fn policies() {
    let rules = PropertyRules::by_policies(
        "[spl]\ncreate = creators\nread = context_is_admin\nupdate = @\ndelete = !\n[gone]\ncreate = nowhere\nread = @\nupdate = get_image\ndelete =\n",
    );
    let rules = rules.expect("readable rules");
    let own = serde_json::json!({"creators": "role:spl or user_id:%(owner)s", "locked": "!", "get_image": "@"});
    let settings = Settings { policy_default_rule: "locked".to_owned(), ..Settings::default() };
    let policy = Policy::new(&settings, own.as_object().expect("a mapping")).expect("readable rules");
    let mut system = caller(&["admin"]);
    system.system_scope = Some("all".to_owned());
    for (who, name, may_do) in [
        (caller(&["spl"]), "spl_1", "c.u."),
        (caller(&["admin"]), "spl_1", ".ru."),
        (caller(&[]), "spl_1", "..u."),
        // The default rule stands in for a missing one. A rule that is named has no scope.
        (system, "gone", ".ru."),
    ] {
        assert_eq!(may(&rules, &policy, &who, name), may_do, "{who:?} {name}");
    }
}

#[test]
fn what_is_no_protection() {
    let broken = |line, what| BadProtection::Form { line, what };
    let section = "s".to_owned();
    for (text, by_roles, by_policies) in [
        (format!("[s]\n{ALL}"), None, None),
        (String::new(), None, None),
        ("create = @".to_owned(), Some(broken(1, "it stands before the first section")), None),
        (format!("[s]\nnonsense\n{ALL}"), Some(broken(2, "it is neither section nor option")), None),
        (format!("[s]\n{ALL}[s]\n{ALL}"), Some(broken(6, "the section is there already")), None),
        (format!("[s]\n{ALL}Read = @"), Some(broken(6, "the option is there already")), None),
        (format!("[s]\n{ALL}x = %(y)s"), Some(broken(6, "values with % in them are not filled in here")), None),
        (
            "[s]\ncreate = @\nupdate = @\ndelete = @".to_owned(),
            Some(BadProtection::Missing { section: section.clone(), operation: "read" }),
            None,
        ),
        (
            format!("[s]\n{ALL}").replace("delete = @", "delete = !, @"),
            Some(BadProtection::Both { section: section.clone(), operation: "delete" }),
            Some(BadProtection::Several { section: section.clone(), operation: "delete" }),
        ),
        ("#".repeat(LENGTH_MAX + 1), Some(BadProtection::TooLong), None),
    ] {
        let found = PropertyRules::by_roles(&text).err();
        assert_eq!(found, by_roles, "{text:.80}");
        let found = PropertyRules::by_policies(&text).err();
        assert_eq!(found, by_policies.or(by_roles), "{text:.80}");
    }
}

#[test]
fn patterns_that_could_take_for_ever_are_refused() {
    for (pattern, says) in [
        ("^(?!x_)", "look-around"),
        ("(?<=x)y", "look-around"),
        (r"(a)\1", "backreferences"),
        ("(", "unclosed group"),
        ("(a{1000}){1000}", "size limit"),
    ] {
        let refused = PropertyRules::by_roles(&format!("[{pattern}]\n{ALL}")).expect_err(pattern);
        assert!(matches!(&refused, BadProtection::Pattern { section, .. } if section == pattern), "{refused}");
        assert!(refused.to_string().contains(says), "{refused}");
    }
}

/// A pattern that makes others backtrack is matched in time that grows with the name only.
#[test]
fn a_pattern_of_ill_will_is_quick() {
    let rules = PropertyRules::by_roles(&format!("[^(a+)+$]\n{ALL}")).expect("readable rules");
    let name = format!("{}b", "a".repeat(254));
    assert_eq!(may(&rules, &Policy::default(), &caller(&[]), &name), "....");
}

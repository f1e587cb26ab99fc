//! The rules that the service asks: names, defaults and what they guard. Facts of the Image service's policy in code;
//! operators name these rules in their policy files.

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleDefault {
    /// The rule's name in policy files.
    pub name: &'static str,
    /// The default, in the check-string language.
    pub check: &'static str,
    /// What it guards, for people.
    pub description: &'static str,
    /// The requests that ask it.
    pub operations: &'static [Operation],
    /// Whether only a token that is for a project may ask it (`scope_types=['project']`).
    pub for_projects: bool,
    /// What changed about it, or will.
    pub deprecation: Option<Deprecation>,
}

/// A request that asks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with names in braces.
    pub path: &'static str,
}

/// What changed about a rule, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deprecation {
    /// The default was another one. Unless only new defaults are enforced, the old one suffices too.
    Changed {
        /// The old default.
        check: &'static str,
        /// Why it changed.
        reason: &'static str,
        /// The release that changed it.
        since: &'static str,
    },
    /// The rule will go away.
    Removal {
        /// Why.
        reason: &'static str,
        /// The release that said so.
        since: &'static str,
    },
}

/// Administrators.
const ADMIN: &str = "rule:context_is_admin";
/// Whatever the operator wants for rules without a default of their own.
const DEFAULT: &str = "rule:default";
/// Other services of the cloud.
const SERVICE: &str = "rule:service_api";
/// Administrators and other services.
const ADMIN_OR_SERVICE: &str = "rule:context_is_admin or rule:service_api";
/// Administrators, and those who may write in the project that owns it.
const ADMIN_OR_MEMBER: &str = "rule:context_is_admin or (role:member and project_id:%(project_id)s)";
/// Administrators, and those who may read in the project that owns it.
const ADMIN_OR_READER: &str = "rule:context_is_admin or (role:reader and project_id:%(project_id)s)";
/// Administrators, and those who may write in the project that will own it.
const ADMIN_OR_CREATOR: &str =
    "rule:context_is_admin or (role:member and project_id:%(project_id)s and project_id:%(owner)s)";
/// Other services, and those who may write in the project that owns it.
const SERVICE_OR_CREATOR: &str =
    "rule:service_api or (role:member and project_id:%(project_id)s and project_id:%(owner)s)";
/// Administrators, and readers of whom the image is not hidden.
const ADMIN_OR_VIEWER: &str = "rule:context_is_admin or \
     (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s \
     or 'public':%(visibility)s or 'shared':%(visibility)s))";
/// Administrators, and members of whom the image is not hidden.
const ADMIN_OR_DOWNLOADER: &str = "rule:context_is_admin or \
     (role:member and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s \
     or 'public':%(visibility)s or 'shared':%(visibility)s))";
/// Administrators, and those with whom the image is shared.
const ADMIN_OR_SHARED_MEMBER: &str = "rule:context_is_admin or (role:member and project_id:%(member_id)s)";
/// Administrators, and readers of the owner or of those with whom the image is shared.
const ADMIN_OR_READER_OR_SHARED_MEMBER: &str =
    "rule:context_is_admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)";
/// Administrators, and readers of whom the namespace is not hidden.
const ADMIN_OR_NAMESPACE_READER: &str =
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))";
/// Those who keep the definitions.
const METADEF_ADMIN: &str = "rule:metadef_admin";
/// What rule `cache_image` and its like were one rule for.
const MANAGE_CACHE: &str = "rule:manage_image_cache";

/// The image rules of the release Wallaby, with roles in place of `rule:default`.
const ROLES_FOR_IMAGES: Deprecation = Deprecation::Changed {
    check: DEFAULT,
    reason: "Images distinguish the roles reader, member and admin.",
    since: "W",
};
/// The cache rules of the release Xena, one per request.
const RULES_FOR_CACHE: Deprecation =
    Deprecation::Changed { check: MANAGE_CACHE, reason: "The cache has one rule for each request.", since: "X" };
/// The definition rules of the release Xena, with roles in place of `rule:metadef_default`.
const ROLES_FOR_METADEFS: Deprecation = Deprecation::Changed {
    check: "rule:metadef_default",
    reason: "Metadata definitions distinguish projects and the roles reader and admin.",
    since: "X",
};
/// The task rules below the one that is asked.
const ONE_RULE_FOR_TASKS: Deprecation = Deprecation::Changed {
    check: DEFAULT,
    reason: "Requests about tasks ask tasks_api_access, and nothing asks this rule.",
    since: "X",
};

macro_rules! rules {
    ($(
        $variant:ident $name:literal = $check:expr, $description:literal,
            $scope:ident [$($method:ident $path:literal),*] $(, $deprecation:expr)?;
    )*) => {
        /// A rule that the service asks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule {
            $(#[doc = $description] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order of the reference's sample policy file.
            pub const ALL: [Self; ROWS.len()] = [$(Self::$variant,)*];

            /// What there is to know about the rule.
            pub fn row(self) -> &'static RuleDefault {
                &ROWS[self as usize]
            }
        }

        const ROWS: &[RuleDefault] = &[$(RuleDefault {
            name: $name,
            check: $check,
            description: $description,
            operations: &[$(Operation { method: stringify!($method), path: $path },)*],
            for_projects: rules!(@scope $scope),
            deprecation: rules!(@deprecation $($deprecation)?),
        },)*];
    };
    (@scope project) => { true };
    (@scope any) => { false };
    (@deprecation) => { None };
    (@deprecation $deprecation:expr) => { Some($deprecation) };
}

rules! {
    Default "default" = "",
        "What holds for rules that do not exist, and for those that policy files used to leave empty.",
        any [], Deprecation::Changed {
            check: ADMIN,
            reason: "A policy file that leaves rules to this one has to say itself that they are for administrators.",
            since: "Ussuri",
        };
    ContextIsAdmin "context_is_admin" = "role:admin",
        "Who is an administrator: sees every image and may change it.",
        any [];
    ServiceApi "service_api" = "role:service or role:admin",
        "Who is another service of the cloud.",
        any [];
    AddImage "add_image" = ADMIN_OR_CREATOR,
        "Create an image.",
        project [POST "/v2/images"], ROLES_FOR_IMAGES;
    DeleteImage "delete_image" = ADMIN_OR_MEMBER,
        "Delete an image.",
        project [DELETE "/v2/images/{image_id}"], ROLES_FOR_IMAGES;
    GetImage "get_image" = ADMIN_OR_VIEWER,
        "See an image.",
        project [GET "/v2/images/{image_id}"], ROLES_FOR_IMAGES;
    GetImages "get_images" = ADMIN_OR_READER,
        "List images.",
        project [GET "/v2/images"], ROLES_FOR_IMAGES;
    ModifyImage "modify_image" = ADMIN_OR_MEMBER,
        "Change an image.",
        project [PATCH "/v2/images/{image_id}"], ROLES_FOR_IMAGES;
    PublicizeImage "publicize_image" = ADMIN,
        "Make an image public.",
        project [PATCH "/v2/images/{image_id}"];
    CommunitizeImage "communitize_image" = ADMIN_OR_MEMBER,
        "Give an image to the community.",
        project [PATCH "/v2/images/{image_id}"], ROLES_FOR_IMAGES;
    DownloadImage "download_image" = ADMIN_OR_DOWNLOADER,
        "Download the data of an image.",
        project [GET "/v2/images/{image_id}/file"], ROLES_FOR_IMAGES;
    DownloadFromStore "download_from_store" = ADMIN_OR_DOWNLOADER,
        "Choose the stores from which the data of an image is downloaded.",
        project [GET "/v2/images/{image_id}/file"];
    UploadImage "upload_image" = ADMIN_OR_MEMBER,
        "Upload the data of an image.",
        project [PUT "/v2/images/{image_id}/file"], ROLES_FOR_IMAGES;
    DeleteImageLocation "delete_image_location" = ADMIN,
        "Remove a location from an image.",
        project [PATCH "/v2/images/{image_id}"], ROLES_FOR_IMAGES;
    GetImageLocation "get_image_location" = ADMIN_OR_READER,
        "See the locations of an image.",
        project [GET "/v2/images/{image_id}"], ROLES_FOR_IMAGES;
    SetImageLocation "set_image_location" = ADMIN_OR_MEMBER,
        "Set the locations of an image.",
        project [PATCH "/v2/images/{image_id}"], ROLES_FOR_IMAGES;
    AddImageLocation "add_image_location" = SERVICE_OR_CREATOR,
        "Add a location to an image that has none.",
        project [POST "/v2/images/{image_id}/locations"];
    FetchImageLocation "fetch_image_location" = SERVICE,
        "List the locations of an image.",
        project [GET "/v2/images/{image_id}/locations"];
    AddMember "add_member" = ADMIN_OR_MEMBER,
        "Share an image with a project.",
        project [POST "/v2/images/{image_id}/members"], ROLES_FOR_IMAGES;
    DeleteMember "delete_member" = ADMIN_OR_MEMBER,
        "Share an image with a project no longer.",
        project [DELETE "/v2/images/{image_id}/members/{member_id}"], ROLES_FOR_IMAGES;
    GetMember "get_member" = ADMIN_OR_READER_OR_SHARED_MEMBER,
        "See one member of an image.",
        project [GET "/v2/images/{image_id}/members/{member_id}"], ROLES_FOR_IMAGES;
    GetMembers "get_members" = ADMIN_OR_READER_OR_SHARED_MEMBER,
        "List the members of an image.",
        project [GET "/v2/images/{image_id}/members"], ROLES_FOR_IMAGES;
    ModifyMember "modify_member" = ADMIN_OR_SHARED_MEMBER,
        "Accept or reject an image as its member.",
        project [PUT "/v2/images/{image_id}/members/{member_id}"], ROLES_FOR_IMAGES;
    ManageImageCache "manage_image_cache" = ADMIN,
        "Manage the image cache by the requests of old.",
        project [];
    Deactivate "deactivate" = ADMIN_OR_MEMBER,
        "Deactivate an image.",
        project [POST "/v2/images/{image_id}/actions/deactivate"], ROLES_FOR_IMAGES;
    Reactivate "reactivate" = ADMIN_OR_MEMBER,
        "Reactivate an image.",
        project [POST "/v2/images/{image_id}/actions/reactivate"], ROLES_FOR_IMAGES;
    CopyImage "copy_image" = ADMIN,
        "Copy an image to more stores.",
        project [POST "/v2/images/{image_id}/import"];
    ListCachedNodes "list_cached_nodes" = ADMIN,
        "List the nodes that have an image in their cache.",
        project [GET "/v2/cache/nodes/{image_id}"];
    GetTask "get_task" = DEFAULT,
        "See a task. Nothing asks this rule any more.",
        project [GET "/v2/tasks/{task_id}"], ONE_RULE_FOR_TASKS;
    GetTasks "get_tasks" = DEFAULT,
        "List tasks. Nothing asks this rule any more.",
        project [GET "/v2/tasks"], ONE_RULE_FOR_TASKS;
    AddTask "add_task" = DEFAULT,
        "Create a task. Nothing asks this rule any more.",
        project [POST "/v2/tasks"], ONE_RULE_FOR_TASKS;
    ModifyTask "modify_task" = DEFAULT,
        "Change a task. Nothing has ever asked this rule.",
        project [DELETE "/v2/tasks/{task_id}"], Deprecation::Removal {
            reason: "No request changes a task.",
            since: "W",
        };
    TasksApiAccess "tasks_api_access" = ADMIN,
        "Use tasks at all, for reading or writing.",
        project [GET "/v2/tasks/{task_id}", GET "/v2/tasks", POST "/v2/tasks", DELETE "/v2/tasks/{task_id}"];
    MetadefDefault "metadef_default" = "",
        "What used to hold for reading metadata definitions.",
        any [];
    MetadefAdmin "metadef_admin" = ADMIN,
        "Who keeps the metadata definitions.",
        any [];
    GetMetadefNamespace "get_metadef_namespace" = ADMIN_OR_NAMESPACE_READER,
        "See a namespace.",
        project [GET "/v2/metadefs/namespaces/{namespace_name}"], ROLES_FOR_METADEFS;
    GetMetadefNamespaces "get_metadef_namespaces" = ADMIN_OR_READER,
        "List namespaces.",
        project [GET "/v2/metadefs/namespaces"], ROLES_FOR_METADEFS;
    ModifyMetadefNamespace "modify_metadef_namespace" = METADEF_ADMIN,
        "Change a namespace.",
        project [PUT "/v2/metadefs/namespaces/{namespace_name}"];
    AddMetadefNamespace "add_metadef_namespace" = METADEF_ADMIN,
        "Create a namespace.",
        project [POST "/v2/metadefs/namespaces"];
    DeleteMetadefNamespace "delete_metadef_namespace" = METADEF_ADMIN,
        "Delete a namespace.",
        project [DELETE "/v2/metadefs/namespaces/{namespace_name}"];
    GetMetadefObject "get_metadef_object" = ADMIN_OR_NAMESPACE_READER,
        "See an object of a namespace.",
        project [GET "/v2/metadefs/namespaces/{namespace_name}/objects/{object_name}"], ROLES_FOR_METADEFS;
    GetMetadefObjects "get_metadef_objects" = ADMIN_OR_NAMESPACE_READER,
        "List the objects of a namespace.",
        project [GET "/v2/metadefs/namespaces/{namespace_name}/objects"], ROLES_FOR_METADEFS;
    ModifyMetadefObject "modify_metadef_object" = METADEF_ADMIN,
        "Change an object of a namespace.",
        project [PUT "/v2/metadefs/namespaces/{namespace_name}/objects/{object_name}"];
    AddMetadefObject "add_metadef_object" = METADEF_ADMIN,
        "Create an object in a namespace.",
        project [POST "/v2/metadefs/namespaces/{namespace_name}/objects"];
    DeleteMetadefObject "delete_metadef_object" = METADEF_ADMIN,
        "Delete an object of a namespace.",
        project [DELETE "/v2/metadefs/namespaces/{namespace_name}/objects/{object_name}"];
    ListMetadefResourceTypes "list_metadef_resource_types" = ADMIN_OR_NAMESPACE_READER,
        "List all resource types.",
        project [GET "/v2/metadefs/resource_types"], ROLES_FOR_METADEFS;
    GetMetadefResourceType "get_metadef_resource_type" = ADMIN_OR_NAMESPACE_READER,
        "List the resource types of a namespace.",
        project [GET "/v2/metadefs/namespaces/{namespace_name}/resource_types"], ROLES_FOR_METADEFS;
    AddMetadefResourceTypeAssociation "add_metadef_resource_type_association" = METADEF_ADMIN,
        "Add a resource type to a namespace.",
        project [POST "/v2/metadefs/namespaces/{namespace_name}/resource_types"];
    RemoveMetadefResourceTypeAssociation "remove_metadef_resource_type_association" = METADEF_ADMIN,
        "Remove a resource type from a namespace.",
        project [DELETE "/v2/metadefs/namespaces/{namespace_name}/resource_types/{name}"];
    GetMetadefProperty "get_metadef_property" = ADMIN_OR_NAMESPACE_READER,
        "See a property of a namespace.",
        project [GET "/v2/metadefs/namespaces/{namespace_name}/properties/{property_name}"], ROLES_FOR_METADEFS;
    GetMetadefProperties "get_metadef_properties" = ADMIN_OR_NAMESPACE_READER,
        "List the properties of a namespace.",
        project [GET "/v2/metadefs/namespaces/{namespace_name}/properties"], ROLES_FOR_METADEFS;
    ModifyMetadefProperty "modify_metadef_property" = METADEF_ADMIN,
        "Change a property of a namespace.",
        project [PUT "/v2/metadefs/namespaces/{namespace_name}/properties/{property_name}"];
    AddMetadefProperty "add_metadef_property" = METADEF_ADMIN,
        "Create a property in a namespace.",
        project [POST "/v2/metadefs/namespaces/{namespace_name}/properties"];
    RemoveMetadefProperty "remove_metadef_property" = METADEF_ADMIN,
        "Delete a property of a namespace.",
        project [DELETE "/v2/metadefs/namespaces/{namespace_name}/properties/{property_name}"];
    GetMetadefTag "get_metadef_tag" = ADMIN_OR_NAMESPACE_READER,
        "See a tag of a namespace.",
        project [GET "/v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}"], ROLES_FOR_METADEFS;
    GetMetadefTags "get_metadef_tags" = ADMIN_OR_NAMESPACE_READER,
        "List the tags of a namespace.",
        project [GET "/v2/metadefs/namespaces/{namespace_name}/tags"], ROLES_FOR_METADEFS;
    ModifyMetadefTag "modify_metadef_tag" = METADEF_ADMIN,
        "Change a tag of a namespace.",
        project [PUT "/v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}"];
    AddMetadefTag "add_metadef_tag" = METADEF_ADMIN,
        "Create a tag in a namespace.",
        project [POST "/v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}"];
    AddMetadefTags "add_metadef_tags" = METADEF_ADMIN,
        "Create many tags in a namespace.",
        project [POST "/v2/metadefs/namespaces/{namespace_name}/tags"];
    DeleteMetadefTag "delete_metadef_tag" = METADEF_ADMIN,
        "Delete a tag of a namespace.",
        project [DELETE "/v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}"];
    DeleteMetadefTags "delete_metadef_tags" = METADEF_ADMIN,
        "Delete all tags of a namespace.",
        project [DELETE "/v2/metadefs/namespaces/{namespace_name}/tags"];
    CacheImage "cache_image" = ADMIN,
        "Put an image into the queue for the cache.",
        project [PUT "/v2/cache/{image_id}"], RULES_FOR_CACHE;
    CacheList "cache_list" = ADMIN,
        "List what is in the cache and in its queue.",
        project [GET "/v2/cache"], RULES_FOR_CACHE;
    CacheDelete "cache_delete" = ADMIN,
        "Remove images from the cache and from its queue.",
        project [DELETE "/v2/cache", DELETE "/v2/cache/{image_id}"], RULES_FOR_CACHE;
    CacheClean "cache_clean" = ADMIN,
        "Remove what is broken or stalled from the cache.",
        project [POST "/v2/cache/clean"];
    CachePrune "cache_prune" = ADMIN,
        "Remove images from the cache until it has its size.",
        project [POST "/v2/cache/prune"];
    StoresInfoDetail "stores_info_detail" = ADMIN_OR_SERVICE,
        "See how the stores are configured.",
        project [GET "/v2/info/stores/detail"], Deprecation::Changed {
            check: ADMIN,
            reason: "Other services may see the stores too.",
            since: "2025.1",
        };
}

impl Rule {
    /// The rule's name in policy files.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The rule of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

//! What a project may have of images, by limits that are registered in Keystone.

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Bytes in stores, counted in whole mebibytes.
    ImageSizeTotal,
    /// Bytes that wait to be imported, counted likewise.
    ImageStageTotal,
    /// Images.
    ImageCountTotal,
    /// Images whose data is on its way.
    ImageCountUploading,
}

impl Resource {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] =
        [Self::ImageSizeTotal, Self::ImageStageTotal, Self::ImageCountTotal, Self::ImageCountUploading];

    /// Its name in Keystone.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageSizeTotal => "image_size_total",
            Self::ImageStageTotal => "image_stage_total",
            Self::ImageCountTotal => "image_count_total",
            Self::ImageCountUploading => "image_count_uploading",
        }
    }
}

/// The limits of one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    limits: [i64; Resource::ALL.len()],
}

impl Limits {
    /// The limits that `of` knows.
    pub fn new(of: impl FnMut(Resource) -> i64) -> Self {
        Self { limits: Resource::ALL.map(of) }
    }

    /// The limit of `resource` as Keystone has it: below zero for none.
    pub fn shown(&self, resource: Resource) -> i64 {
        self.limits[resource as usize]
    }

    /// The limit of `resource`, if there is one.
    pub fn of(&self, resource: Resource) -> Option<i64> {
        Some(self.shown(resource)).filter(|limit| *limit >= 0)
    }
}

-- Indexes of our own that lists of images need, beside the reference's. Every list asks for `deleted` and `os_hidden`, so
-- these lead; then comes what the list is sorted by, and what makes the order total.

CREATE INDEX glint_images_name ON images (deleted, os_hidden, name, created_at, id);
CREATE INDEX glint_images_status ON images (deleted, os_hidden, status, created_at, id);
CREATE INDEX glint_images_container_format ON images (deleted, os_hidden, container_format, created_at, id);
CREATE INDEX glint_images_disk_format ON images (deleted, os_hidden, disk_format, created_at, id);
CREATE INDEX glint_images_size ON images (deleted, os_hidden, size, created_at, id);
CREATE INDEX glint_images_id ON images (deleted, os_hidden, id);
CREATE INDEX glint_images_created_at ON images (deleted, os_hidden, created_at, id);
CREATE INDEX glint_images_updated_at ON images (deleted, os_hidden, updated_at, created_at, id);

-- In the usual order, what a project sees is put together from what is public, what is its own, and what is shared with it:
-- how many images others have does not matter.
CREATE INDEX glint_images_visibility ON images (visibility, deleted, os_hidden, created_at, id);
CREATE INDEX glint_images_owner ON images (owner, deleted, os_hidden, created_at, id);
CREATE INDEX glint_image_members_member ON image_members (member, deleted, image_id, status);

-- Which images have a tag, or a value of a property: the reference's indexes only tell what an image has. An entry of an
-- index has room for a part of a long value only.
CREATE INDEX glint_image_tags_value ON image_tags (value, deleted, image_id);
CREATE INDEX glint_image_properties_value ON image_properties (name, left(value, 255), deleted, image_id);

-- Indexes of our own that lists of images need, beside the reference's. Every list asks for `deleted` and `os_hidden`, so
-- these lead; then comes what the list is sorted by, and what makes the order total.
-- In the usual order, what a project sees is put together from what is public, what is its own, and what is shared with it:
-- how many images others have does not matter. One statement for each table, so that its rows are read once.

ALTER TABLE images
    ADD KEY glint_images_name (deleted, os_hidden, name, created_at, id),
    ADD KEY glint_images_status (deleted, os_hidden, status, created_at, id),
    ADD KEY glint_images_container_format (deleted, os_hidden, container_format, created_at, id),
    ADD KEY glint_images_disk_format (deleted, os_hidden, disk_format, created_at, id),
    ADD KEY glint_images_size (deleted, os_hidden, size, created_at, id),
    ADD KEY glint_images_id (deleted, os_hidden, id),
    ADD KEY glint_images_created_at (deleted, os_hidden, created_at, id),
    ADD KEY glint_images_updated_at (deleted, os_hidden, updated_at, created_at, id),
    ADD KEY glint_images_visibility (visibility, deleted, os_hidden, created_at, id),
    ADD KEY glint_images_owner (owner, deleted, os_hidden, created_at, id);
ALTER TABLE image_members
    ADD KEY glint_image_members_member (member, deleted, image_id, status);

-- Which images have a tag, or a value of a property: the reference's indexes only tell what an image has. An entry of an
-- index has room for a part of a long value only.
ALTER TABLE image_tags
    ADD KEY glint_image_tags_value (value, deleted, image_id);
ALTER TABLE image_properties
    ADD KEY glint_image_properties_value (name, value(255), deleted, image_id);

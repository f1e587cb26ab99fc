-- The properties of an image with their values: InnoDB looks up the row of each otherwise, and most of what a list costs is that.
-- A value that is longer than its part in the index is still read from its row.

ALTER TABLE image_properties
    ADD KEY glint_image_properties_image_id (image_id, deleted, name, value(255));

//! What a list of images is asked for: conditions, order, page.

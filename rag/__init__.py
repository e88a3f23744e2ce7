"""Answer questions over scientific abstracts, with citations that are checked."""

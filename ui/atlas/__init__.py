"""The collection as a map: vectors -> `layout` and `topics` -> `atlas` (kept by `keeper`) -> `markup`."""

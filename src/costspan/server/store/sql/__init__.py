"""The questions in SQL, written once for every engine; `dialect` has what engines write otherwise."""

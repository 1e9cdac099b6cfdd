"""The browser's side of the server: the dashboard's built files."""

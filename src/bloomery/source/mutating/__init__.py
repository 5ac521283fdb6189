"""Small wrong changes to one function, and which tests notice them."""

"""The kinds of checks; each is one function of a member and its monitor."""

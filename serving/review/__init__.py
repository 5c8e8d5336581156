"""The review pages for people: a process of its own, with logins, beside the prediction API."""

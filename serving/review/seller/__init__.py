"""The seller's page for reviewers: the verdict, why, what speaks for the seller, and what to do."""

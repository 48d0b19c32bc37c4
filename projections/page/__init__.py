"""The billing page: what an account's admins see of its billing, rendered here."""

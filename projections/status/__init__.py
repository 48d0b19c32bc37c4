"""What a subscription's state means: badge, access, period, renewal, what comes next."""

"""What an auditor is handed: closed months, packs, and the check that needs none of us."""

"""Networks only: they know no noise schedule, no file and no trainer."""

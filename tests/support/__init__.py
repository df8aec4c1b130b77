"""What the tests share: made-up music, no data from anywhere."""

"""A comparison of songs as one HTML file that needs nothing from elsewhere: figures, distributions, pictures."""

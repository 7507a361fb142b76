"""What surrounds every page: rail, top bar, banner, shortcuts."""

"""What Aiser says about itself: logs."""

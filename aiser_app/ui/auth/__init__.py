"""The pages of people who are not signed in: sign-in and set-up."""

"""Pages: Reflex states and components over the services. State holds references, never rows."""

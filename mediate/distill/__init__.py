"""What a student is taught: how likely it finds the chains of a teacher, and which of them it is given."""

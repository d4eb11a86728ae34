"""The arms that make an "after": a model tuned on questions, chains and answers, by trl's trainers."""

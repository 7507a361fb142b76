"""How an answer was reached and how sure it is: pure functions over facts that were measured."""

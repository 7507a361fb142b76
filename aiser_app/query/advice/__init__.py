"""What would make a source's queries cheaper, from their history, their plans and the catalog."""

from aiser_app.query.advice.advise import advise
from aiser_app.query.advice.facts import TableFacts
from aiser_app.query.advice.measured import advise_on_plan

__all__ = ["TableFacts", "advise", "advise_on_plan"]

"""The wording of the built-in word problems: situations in which a count is changed, one sentence at a time.

In the sentences, `{x}` and `{y}` are given numbers in this order, `{thing}` is what is counted or where, `{a}` and
`{b}` are people, and `{equation}` is a step of the reasoning, such as `3 + 4 = 7`. Numbers are 2 or more, because the
nouns are plural.
"""

from dataclasses import dataclass

PEOPLE = ("Tom", "Anna", "Ben", "Lucy", "Sam", "Emma", "Jack", "Mary", "Paul", "Kate", "Leo", "Nina")
# Kept out of the problems, so that the examples of a prompt share no name with them.
EXAMPLE_PEOPLE = ("Peter", "Sarah", "David", "Laura")


@dataclass(frozen=True, slots=True)
class Clause:
    """A sentence that changes the count.

    Args:
        text: The sentence; the count changes by the number `{x}`, or by the product of `{x}` and `{y}`.
        operation: `+`, `-` or `x`.
        product: How the reasoning states the product of `{x}` and `{y}`; empty without `{y}`.
    """

    text: str
    operation: str
    product: str = ""

    def __post_init__(self) -> None:
        if ("{y}" in self.text) != bool(self.product):
            raise ValueError(f"clause {self.text!r}: a product goes with {{y}}")

    @property
    def steps(self) -> int:
        """How many steps of reasoning the sentence takes."""
        return 2 if self.product else 1


@dataclass(frozen=True, slots=True)
class Story:
    """A situation: how a count begins, what can change it, and what is asked.

    Args:
        name: The template's name in ids and groups.
        things: What `{thing}` stands for; the last is kept for the examples of a prompt.
        given: The beginning with a given number.
        product: The beginning with a product of two given numbers, which the reasoning's first step works out.
        result: How the reasoning states the count.
        question: The question at the end.
        clauses: What can happen in between.
        plural: Whether `{thing}` is a plural.
    """

    name: str
    things: tuple[str, ...]
    given: str
    product: str
    result: str
    question: str
    clauses: tuple[Clause, ...]
    plural: bool = True


TEMPLATES = (
    Story(
        name="apples",
        things=("apples", "pears", "plums", "peaches", "lemons", "oranges"),
        given="{a} has {x} {thing}.",
        product="{a} has {x} bags with {y} {thing} in each bag.",
        result="{a} has {equation} {thing}.",
        question="How many {thing} does {a} have now?",
        clauses=(
            Clause("{b} gives {a} {x} more {thing}.", "+"),
            Clause("{a} picks {x} more {thing}.", "+"),
            Clause("{a} eats {x} {thing}.", "-"),
            Clause("{a} uses {x} {thing} to bake a cake.", "-"),
            Clause("{a} buys {x} boxes with {y} {thing} in each box.", "+", "The boxes hold {equation} {thing}."),
            Clause("{a} gives {x} {thing} to each of {y} friends.", "-", "The friends get {equation} {thing}."),
        ),
    ),
    Story(
        name="money",
        things=("dollars", "euros", "coins", "pounds"),
        given="{a} has {x} {thing}.",
        product="{a} has {x} jars with {y} {thing} in each jar.",
        result="{a} has {equation} {thing}.",
        question="How many {thing} does {a} have now?",
        clauses=(
            Clause("{a} finds {x} more {thing} in an old coat.", "+"),
            Clause("{b} pays {a} {x} {thing} for help in the garden.", "+"),
            Clause("{a} spends {x} {thing} on lunch.", "-"),
            Clause("{a} pays {x} {thing} for a book.", "-"),
            Clause(
                "{a} washes {x} cars and earns {y} {thing} for each car.", "+", "The cars bring {equation} {thing}."
            ),
            Clause("{a} buys {x} tickets for {y} {thing} each.", "-", "The tickets cost {equation} {thing}."),
        ),
    ),
    Story(
        name="game",
        things=("points", "stars", "gems", "tokens"),
        given="{a} starts a game with {x} {thing}.",
        product="{a} starts a game with nothing and opens {x} boxes with {y} {thing} in each box.",
        result="{a} has {equation} {thing}.",
        question="How many {thing} does {a} have at the end?",
        clauses=(
            Clause("{a} wins {x} {thing} in a race.", "+"),
            Clause("{a} solves a riddle and gets {x} {thing}.", "+"),
            Clause("{a} loses {x} {thing} in a duel.", "-"),
            Clause("{a} pays {x} {thing} for a hint.", "-"),
            Clause("A bonus card multiplies {a}'s {thing} by {x}.", "x"),
            Clause("{a} hits {x} targets and gets {y} {thing} for each.", "+", "The targets give {equation} {thing}."),
            Clause(
                "{a} makes {x} mistakes and loses {y} {thing} for each.", "-", "The mistakes cost {equation} {thing}."
            ),
        ),
    ),
    Story(
        name="bus",
        things=("bus", "tram", "coach", "shuttle"),
        plural=False,
        given="A {thing} leaves the station with {x} passengers.",
        product="A {thing} leaves the station with {x} groups of {y} passengers each.",
        result="The {thing} has {equation} passengers.",
        question="How many passengers are on the {thing} now?",
        clauses=(
            Clause("At the market, {x} passengers get on.", "+"),
            Clause("At the school, {x} passengers get on.", "+"),
            Clause("At the park, {x} passengers get off.", "-"),
            Clause("At the museum, {x} passengers get off.", "-"),
            Clause("At the hotel, {x} families of {y} people each get on.", "+", "The families are {equation} people."),
            Clause("At the beach, {x} teams of {y} people each get off.", "-", "The teams are {equation} people."),
        ),
    ),
    Story(
        name="cells",
        things=("cells", "germs", "bacteria", "microbes"),
        given="A dish holds {x} {thing}.",
        product="{a} empties {x} tubes with {y} {thing} in each tube into a clean dish.",
        result="The dish holds {equation} {thing}.",
        question="How many {thing} are in the dish now?",
        clauses=(
            Clause("{a} adds {x} more {thing} to the dish.", "+"),
            Clause("{b} puts {x} {thing} from a flask into the dish.", "+"),
            Clause("{a} takes {x} {thing} out of the dish.", "-"),
            Clause("{b} moves {x} {thing} to another dish.", "-"),
            Clause("Each of the {thing} splits into {x} {thing}.", "x"),
            Clause("Overnight, the number of {thing} becomes {x} times as large.", "x"),
            Clause("{a} adds {x} drops with {y} {thing} in each drop.", "+", "The drops hold {equation} {thing}."),
            Clause("{b} removes {x} samples with {y} {thing} in each.", "-", "The samples hold {equation} {thing}."),
        ),
    ),
    Story(
        name="shelf",
        things=("books", "magazines", "albums", "atlases"),
        given="A shelf holds {x} {thing}.",
        product="A shelf holds {x} stacks with {y} {thing} in each stack.",
        result="The shelf holds {equation} {thing}.",
        question="How many {thing} are on the shelf now?",
        clauses=(
            Clause("{a} puts {x} more {thing} on the shelf.", "+"),
            Clause("{b} returns {x} {thing} to the shelf.", "+"),
            Clause("{a} takes {x} {thing} off the shelf.", "-"),
            Clause("{b} borrows {x} {thing} from the shelf.", "-"),
            Clause("{a} adds {x} crates with {y} {thing} in each crate.", "+", "The crates hold {equation} {thing}."),
            Clause("From the shelf, {x} pupils take {y} {thing} each.", "-", "The pupils take {equation} {thing}."),
        ),
    ),
    Story(
        name="bakery",
        things=("muffins", "rolls", "pies", "buns"),
        given="A bakery opens with {x} {thing}.",
        product="A bakery opens with {x} trays and {y} {thing} on each tray.",
        result="The bakery has {equation} {thing}.",
        question="How many {thing} does the bakery have now?",
        clauses=(
            Clause("The baker makes {x} more {thing}.", "+"),
            Clause("A van brings {x} more {thing}.", "+"),
            Clause("The bakery sells {x} {thing} to {a}.", "-"),
            Clause("{b} buys {x} {thing} for a party.", "-"),
            Clause("The baker fills {x} pans with {y} new {thing} each.", "+", "The pans hold {equation} {thing}."),
            Clause("Then {x} customers buy {y} {thing} each.", "-", "The customers buy {equation} {thing}."),
        ),
    ),
    Story(
        name="garden",
        things=("tulips", "roses", "daisies", "lilies"),
        given="A garden has {x} {thing}.",
        product="A garden has {x} rows with {y} {thing} in each row.",
        result="The garden has {equation} {thing}.",
        question="How many {thing} are in the garden now?",
        clauses=(
            Clause("{a} plants {x} more {thing}.", "+"),
            Clause("{b} adds {x} {thing} from the shop.", "+"),
            Clause("A deer eats {x} of the {thing}.", "-"),
            Clause("{a} cuts {x} {thing} for {b}.", "-"),
            Clause("{a} plants {x} new beds with {y} {thing} in each.", "+", "The new beds hold {equation} {thing}."),
            Clause("{b} picks {x} bunches of {y} {thing} each.", "-", "The bunches hold {equation} {thing}."),
        ),
    ),
    Story(
        name="tank",
        things=("water", "milk", "juice", "oil"),
        plural=False,
        given="A tank holds {x} liters of {thing}.",
        product="{a} empties {x} cans with {y} liters of {thing} in each can into an empty tank.",
        result="The tank holds {equation} liters of {thing}.",
        question="How many liters of {thing} are in the tank now?",
        clauses=(
            Clause("{a} pours {x} more liters of {thing} into the tank.", "+"),
            Clause("{b} adds {x} liters of {thing}.", "+"),
            Clause("{a} takes {x} liters of {thing} out of the tank.", "-"),
            Clause("Through a leak, {x} liters of {thing} run out.", "-"),
            Clause(
                "{a} adds {x} buckets with {y} liters of {thing} in each.", "+", "The buckets hold {equation} liters."
            ),
            Clause("From the tank, {b} fills {x} jugs with {y} liters each.", "-", "The jugs take {equation} liters."),
        ),
    ),
)

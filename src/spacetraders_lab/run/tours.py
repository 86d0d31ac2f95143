"""Tours of several ships by OR-Tools' routing library: better than greedy ones, in a second or two. Flies nothing."""

from typing import Any

from spacetraders_lab.core.touring import Tour, TourProblem, greedy_tours

_MOST_SECONDS = 2.0
_SECONDS_PER_PAIR = 0.002  # of markets: a handful needs a tenth of a second
_SPAN_WEIGHT = 1000  # the last ship's arrival goes before the time that all ships fly


def best_tours(problem: TourProblem) -> tuple[Tour, ...]:
    """The tours of least makespan that are found in the time."""
    greedy = greedy_tours(problem)
    if len(problem.markets) < 2:
        return greedy
    # here, for it takes a while to import
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2  # type: ignore[import-untyped]

    parameters = pywrapcp.DefaultRoutingSearchParameters()
    metaheuristics = routing_enums_pb2.LocalSearchMetaheuristic
    parameters.local_search_metaheuristic = metaheuristics.GUIDED_LOCAL_SEARCH
    seconds = min(_MOST_SECONDS, _SECONDS_PER_PAIR * len(problem.markets) ** 2)
    parameters.time_limit.FromMilliseconds(round(1000 * seconds))
    found = _search(pywrapcp, parameters, problem, greedy)
    return min(greedy, found, key=problem.makespan)


def _search(pywrapcp: Any, parameters: Any, problem: TourProblem, greedy: tuple[Tour, ...]) -> tuple[Tour, ...]:
    """What the library makes of the greedy tours. Its places are the markets, a start for every ship, and the end."""
    markets, ships = len(problem.markets), len(problem.ships)
    starts = [markets + ship for ship in range(ships)]
    manager = pywrapcp.RoutingIndexManager(markets + ships + 1, ships, starts, [markets + ships] * ships)
    model = pywrapcp.RoutingModel(manager)
    flights = [model.RegisterTransitMatrix(_matrix(problem, ship)) for ship in range(ships)]
    for ship, flight in enumerate(flights):
        model.SetArcCostEvaluatorOfVehicle(flight, ship)
    longest = round(sum(max(row) for rows in (*problem.between, problem.first) for row in rows)) + 1
    model.AddDimensionWithVehicleTransits(flights, 0, longest, True, "seconds")
    model.GetDimensionOrDie("seconds").SetGlobalSpanCostCoefficient(_SPAN_WEIGHT)
    model.CloseModelWithParameters(parameters)
    first = model.ReadAssignmentFromRoutes([list(tour) for tour in greedy], True)
    solution = model.SolveFromAssignmentWithParameters(first, parameters)
    return greedy if solution is None else tuple(_tour(model, manager, solution, ship) for ship in range(ships))


def _matrix(problem: TourProblem, ship: int) -> list[list[int]]:
    """Whole seconds from place to place; nothing leads to a start, and the end is where a ship is anyway."""
    places = len(problem.markets) + len(problem.ships) + 1
    unused = places - len(problem.markets)
    rows = [*problem.between[ship], *(problem.first[ship] for _ in problem.ships)]
    return [[round(seconds) for seconds in row] + [0] * unused for row in rows] + [[0] * places]


def _tour(model: Any, manager: Any, solution: Any, ship: int) -> Tour:
    tour, index = [], solution.Value(model.NextVar(model.Start(ship)))
    while not model.IsEnd(index):
        tour.append(manager.IndexToNode(index))
        index = solution.Value(model.NextVar(index))
    return tuple(tour)

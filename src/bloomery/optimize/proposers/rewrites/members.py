"""Members that are taken one by one through a function or an index."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import binds, mutations
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import stays

MEMBERS: Catalogue = {}
rewrite = adding_to(MEMBERS)


@rewrite("map-of-lambda", "a comprehension calls no function for each member", "list(map(F_, XS_))")
def map_of_lambda(d: Draft, m: Match) -> None:
    function = m["F_"]
    d.is_real("list", "map")
    d.need(isinstance(function, ast.Lambda), "not a lambda")
    assert isinstance(function, ast.Lambda)
    given = function.args
    plain = not (given.defaults or given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs)
    d.need(plain and len(given.args) == 1, "not of one argument")
    d.need(
        not any(isinstance(inner, ast.Lambda) for inner in ast.walk(function.body)), "a lambda in a lambda"
    )
    d.need(not isinstance(function.body, ast.NamedExpr | ast.Yield | ast.Await), "it binds a name")
    d.replace(m.node, f"[{d.program.text_of(function.body)} for {given.args[0].arg} in {d.text(m['XS_'])}]")


@rewrite("item-getter", "the library's getter calls no Python for each member", "lambda X_: X_[K_]")
def item_getter(d: Draft, m: Match) -> None:
    d.need(isinstance(m["K_"], ast.Constant) and isinstance(m["K_"].value, int | str), "not a constant")
    outer = d.program.parents[m.node]
    d.need(isinstance(outer, ast.keyword) and outer.arg == "key", "not a key")
    d.replace(m.node, d.fill(f"{d.use('operator.itemgetter')}(K_)"))


@rewrite(
    "dict-items",
    "items() gives the value without looking it up",
    "for K_ in D_:\n BODY_",
    "for K_ in D_.keys():\n BODY_",
)
def dict_items(d: Draft, m: Match) -> None:
    loop, key, table = m.statements[0], m.name("K_"), m.name("D_")
    assert isinstance(loop, ast.For)
    d.need(key and table, "not variables")
    assert key
    assert table
    d.is_kind(m["D_"], "dict")
    body = m.body("BODY_")
    d.need(not binds(body, key) and not binds(body, table), "bound again")
    d.need(table not in [held for held, _ in mutations(body)], "changed inside")
    looked_up = [
        node
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Subscript) and ast.unparse(node) == f"{table}[{key}]"
    ]
    d.need(looked_up and all(isinstance(node.ctx, ast.Load) for node in looked_up), "not looked up")
    stays(d, table, *body)
    value = d.fresh(f"{key}_value")
    for node in looked_up:
        d.replace(node, value)
    d.replace(loop.target, f"{key}, {value}")
    d.replace(loop.iter, f"{table}.items()")

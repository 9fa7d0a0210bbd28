"""The lists of mutants hold together: each can be applied and dies of a test that exists and guards a property."""

import ast
import json
import subprocess
import sys
from functools import cache

import pytest

import mutants
from mutant_bench import ROOT, Mutant
from mutant_properties import guarded_by, guards, lines

KILLERS = mutants.killers()


@cache
def text_of(file: str) -> str:
    return (ROOT / file).read_text()


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse(text_of(file))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.key)
def test_a_mutant_can_be_applied_in_one_place_and_is_a_program(mutant: Mutant) -> None:
    source = text_of(mutant.file)
    assert source.count(mutant.old) == 1
    assert mutant.old != mutant.new
    ast.parse(source.replace(mutant.old, mutant.new))
    for suite in mutant.tests.split():
        assert suite.startswith("--") or (ROOT / suite.partition("::")[0]).exists(), suite


def test_no_mutant_is_listed_twice_and_each_has_a_killer() -> None:
    keys = [mutant.key for mutant in mutants.MUTANTS]
    assert len(set(keys)) == len(keys)
    assert sorted(set(keys) ^ KILLERS.keys()) == []


def test_every_killer_is_a_test_that_guards_a_property() -> None:
    known, properties = guards(), lines()
    for test in sorted(set(KILLERS.values())):
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in names_in(file), test
        assert properties.get(known.get(guarded_by(test), "")), test


def test_every_guard_is_a_test() -> None:
    files = {suite.partition("::")[0] for mutant in mutants.MUTANTS for suite in mutant.tests.split() if "/" in suite}
    found = {guarded_by(f"{file}::{name}") for file in sorted(files) for name in names_in(file)}
    assert sorted(guards().keys() - found) == []


@pytest.mark.slow
def test_a_run_names_the_property_of_each_mutant_that_died() -> None:
    command = [sys.executable, str(ROOT / "tests" / "mutants.py"), "the grid", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["survived"] == []
    assert told["mutants"] == len(told["fates"]) > 0
    assert all(fate["property"] and fate["line"] == lines()[fate["property"]] for fate in told["fates"])

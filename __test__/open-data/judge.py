"""What people who work with open data make of unpacked dumps, as an array of JSON on stdout: by data file the records
and columns that pandas sees, two works as it reads them, and every complaint of frictionless, jsonschema and cffconvert."""

import contextlib
import io
import json
import sys
from pathlib import Path

import frictionless
import pandas
from cffconvert import Citation
from jsonschema import Draft202012Validator, FormatChecker


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def table(path):
    frame = pandas.read_json(path, dtype={"id": str, "artwork_id": str, "creator_id": str, "label": str, "value": str})
    return {"rows": len(frame), "columns": {name: str(frame[name].dtype) for name in frame.columns}}


def first_works(path):
    """Id, title, description and place of two works, by a reader that takes no value for another; None is no value."""
    frame = pandas.read_json(path, dtype=False, convert_dates=False)
    rows = frame.head(2).to_dict("records")
    values = [[row.get(name) for name in ("id", "title", "description", "lat", "lon")] for row in rows]
    return [[None if value != value else value for value in row] for row in values]


def schema_errors(folder, path):
    schema = read(path)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    data = read(folder / path.name.replace(".schema", ""))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(data)]


def package_errors(folder):
    report = frictionless.validate(str(folder / "datapackage.json"))
    errors = [error.message for error in report.errors]
    return errors + [f"{task.name}: {error.message}" for task in report.tasks for error in task.errors]


def citation_errors(folder):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            Citation((folder / "CITATION.cff").read_text(encoding="utf-8")).validate()
    except Exception as error:
        return [str(error)]
    return []


def verdict(folder):
    schemas = sorted((folder / "schemas").iterdir())
    files = [folder / path.name.replace(".schema", "") for path in schemas]
    return {
        "tables": {path.name: table(path) for path in files},
        "works": first_works(folder / "artwork.json"),
        "schemas": [error for path in schemas for error in schema_errors(folder, path)],
        "package": package_errors(folder),
        "citation": citation_errors(folder),
    }


print(json.dumps([verdict(Path(name)) for name in sys.argv[1:]]))

"""What is wrong is said with what to do, and with the class of its kind."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from databricks.labs.community_connector import errors, find_data_source, get_register_function
from databricks.labs.community_connector.spark.options import ReadOptions

ACME = {"owner": "acme", "repo": "rocket"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "the option `tableName` is missing"),
        ({"tableName": "_community_nonsense"}, "unknown virtual table `_community_nonsense`"),
        ({"tableName": "_community_table_metadata", "tableNameList": "issues"},
         "expected a JSON list as option `tableNameList`, found `issues`"),
        ({"tableName": "_community_table_metadata", "tableNameList": "{}"},
         "expected a JSON list as option `tableNameList`, found `{}`"),
        ({"tableName": "_community_table_metadata", "tableNameList": "[1]"},
         r"expected a JSON list of names as option `tableNameList`, found `\[1\]`"),
        ({"tableName": "_community_table_metadata", "tableConfigs": "[]"},
         r"expected a JSON object as option `tableConfigs`, found `\[\]`"),
        ({"tableName": "_community_table_metadata", "tableConfigs": '{"issues": 1}'},
         "expected a JSON object of options for table `issues` as option `tableConfigs`, found `1`"),
        ({"tableName": "_community_tables", "namespace": "root"},
         "expected a JSON list as option `namespace`, found `root`"),
        ({"tableName": "_community_namespaces", "namespacePrefix": "{"},
         "expected a JSON list as option `namespacePrefix`, found `{`"),
        ({"tableName": "issues", "isDeleteFlow": "yes"},
         "expected `true` or `false` as option `isDeleteFlow`, found `yes`"),
        ({"tableName": "issues", "maxRowsPerBatch": "0"},
         "expected a positive number of rows as option `maxRowsPerBatch`, found `0`"),
    ],
)  # fmt: skip
def test_malformed_option_is_named_with_its_value(options, message):
    with pytest.raises(errors.ConfigurationError, match=message):
        ReadOptions.parse(options)


def test_errors_reach_the_user_through_spark(read):
    with pytest.raises(Exception, match="the option `tableName` is missing"):
        read(None).load()


def test_unknown_connection_names_the_nearest(read):
    with pytest.raises(Exception, match="unknown connection `my_githup`(.|\n)*did you mean `my_github`"):
        read("issues", **{**ACME, "databricks.connection": "my_githup"}).load()


def test_unknown_table_names_the_nearest(read):
    with pytest.raises(Exception, match="unknown table `isues`(.|\n)*did you mean `issues`"):
        read("isues", **ACME).load()


def test_unknown_option_of_the_table_names_the_nearest(read):
    with pytest.raises(Exception, match="unknown option `ower`(.|\n)*did you mean `owner`"):
        read("issues", ower="acme", repo="rocket").load()


def test_missing_option_of_the_table_is_named(read):
    with pytest.raises(Exception, match="`repo`"):
        read("issues", owner="acme").load()


def test_url_that_is_none_is_refused(read):
    with pytest.raises(Exception, match="expected a URL as option `upstream`, found `nowhere`"):
        read("issues", **ACME, upstream="nowhere").load()


def test_unknown_word_for_bad_values_is_refused(read):
    with pytest.raises(Exception, match="expected `rescue` or `fail` as option `bad_values`, found `drop`"):
        read("issues", **ACME, bad_values="drop").load()


def test_wrong_token_is_an_authentication_error(spark, read, github):
    options = {"tableName": "issues", "token": "wrong", "sourceName": "github", "upstream": github.url, **ACME}
    with pytest.raises(Exception, match="AuthenticationError(.|\n)*check the connection parameter `token`"):
        spark.read.format("lakeflow_connect").options(**options).load().collect()


def test_deleted_rows_of_a_table_that_tells_of_none_are_refused(read):
    with pytest.raises(Exception, match="tells of no deleted rows of table `issues`(.|\n)*leave `isDeleteFlow` out"):
        read("issues", **ACME, isDeleteFlow="true").load()


def test_unknown_source_names_the_nearest():
    with pytest.raises(ValueError, match="unknown source `githup`(.|\n)*did you mean `github`"):
        find_data_source("githup")


def test_class_in_place_of_a_name_is_refused():
    with pytest.raises(TypeError, match="expected the name of a source, found"):
        get_register_function(object)


def test_every_kind_has_a_class_that_can_be_pickled():
    definition = Path(__file__).parents[2] / "crates" / "interface" / "src" / "error.rs"
    kinds = re.findall(r'Self::\w+ => "(\w+)"', definition.read_text())
    assert len(kinds) == len(set(kinds)) > 10
    assert sorted(kinds) == sorted(cls.kind for cls in errors.LakeflowError.__subclasses__())
    for kind in kinds:
        error = errors.of_kind(kind, "it went wrong", ["mend it"], [("table", "issues")])
        assert error.kind == kind
        assert type(error).__name__ in errors.__all__
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.context) == (
            type(error),
            "it went wrong\nhint: mend it",
            {"table": "issues"},
        )


def test_secrets_are_in_no_repr():
    from databricks.labs.community_connector._native import Connection

    connection = Connection.resolve({"token": "hunter2"}, source="github")
    assert "hunter2" not in repr(connection)
    assert "hunter2" not in repr(ReadOptions.parse({"tableName": "issues", "token": "hunter2"}))


def test_without_pyspark_the_data_source_says_what_to_install():
    code = "import sys; sys.modules['pyspark'] = None; import databricks.labs.community_connector.spark"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "the data source needs PySpark 4.0 or later" in result.stderr
    assert "hint: `pip install" in result.stderr

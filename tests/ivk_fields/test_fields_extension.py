"""Custom fields, and the references that values may hold."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from field_builder import LORA, SDXL, refused
from PIL import Image

from invokeai_py_client import ivk_fields
from invokeai_py_client.exceptions import FieldValidationError
from invokeai_py_client.ivk_fields import (
    BoardReference,
    FieldRegistry,
    ImageReference,
    IvkField,
    IvkRawField,
    IvkStringCollectionField,
    IvkUnknownField,
    ModelReference,
    field_registry,
    find_references,
    registry as registry_module,
    replace_references,
)
from invokeai_py_client.ivk_fields.field_types import FIELD_TYPES


class IvkCustomField(IvkField[str]):
    value: str

    def validate_field(self) -> None:
        if self.value == "forbidden":
            raise ValueError("anything but that")

    def to_api_format(self):
        return {"type": "custom", "value": self.value}


class TestExtension:
    @pytest.fixture
    def registry(self) -> FieldRegistry:
        registry = field_registry.copy()
        registry.register(
            lambda info: info.get("type") == "CustomField",
            lambda info: IvkCustomField(value=info.get("value", "")),
        )
        return registry

    def test_the_field_of_the_guide_works(self, registry: FieldRegistry) -> None:
        field = registry.build({"type": "CustomField", "name": "x", "value": "a"})
        assert isinstance(field, IvkCustomField)
        field.value = "b"
        assert field.to_api_format() == {"type": "custom", "value": "b"}
        assert IvkCustomField.from_api_format(field.to_api_format()).value == "b"

    def test_an_unset_value_too(self, registry: FieldRegistry) -> None:
        field = registry.build({"type": "CustomField", "name": "x"})
        assert field.value == ""
        assert not field.is_changed

    @pytest.mark.parametrize("value", ["forbidden", 5, None, b"x"])
    def test_a_refused_value_is_our_error_and_the_old_one_stays(
        self, registry: FieldRegistry, value: Any
    ) -> None:
        field = registry.build({"type": "CustomField", "name": "x", "value": "a"})
        problem = refused(field, value)
        assert problem.field_name == "x"
        assert problem.value == value
        with pytest.raises(FieldValidationError):
            IvkCustomField(value=value)

    @pytest.mark.parametrize("raw", ["forbidden", 5, [1]])
    def test_a_bad_value_in_a_file_is_kept(
        self, registry: FieldRegistry, raw: Any
    ) -> None:
        field = registry.build({"type": "CustomField", "name": "x", "value": raw})
        assert isinstance(field, IvkCustomField)
        assert field.value == raw
        assert field.problems()
        field.value = "fine"
        assert field.problems() == []

    def test_the_newest_rule_wins_and_undo_takes_it_back(
        self, registry: FieldRegistry
    ) -> None:
        class Other(IvkCustomField):
            pass

        undo = registry.register(
            lambda info: info["name"] == "x", lambda info: Other(value="o")
        )
        info = {"type": "CustomField", "name": "x"}
        assert type(registry.build(info)) is Other
        undo()
        undo()
        assert type(registry.build(info)) is IvkCustomField
        assert isinstance(field_registry.build(info), IvkUnknownField)

    def test_what_a_predicate_raises_is_not_hidden(self) -> None:
        registry = FieldRegistry()
        registry.register(lambda info: info["no such key"], IvkRawField.from_info)
        with pytest.raises(KeyError):
            registry.build({"type": "IntegerField", "name": "x"})

    def test_a_model_validator_that_refuses_leaves_the_old_value(self) -> None:
        from pydantic import model_validator

        class Pair(IvkField[int]):
            value: int = 0
            limit: int = 5

            @model_validator(mode="after")
            def _below(self) -> Pair:
                if self.value > self.limit:
                    raise ValueError("too much")
                return self

        field = Pair(value=3)
        refused(field, 9)
        assert field.value == 3
        with pytest.raises(FieldValidationError):
            field.limit = 1
        assert field.limit == 5

    def test_installed_packages_add_rules(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[FieldRegistry] = []

        class Point:
            def load(self) -> Any:
                return calls.append

        monkeypatch.setattr(registry_module, "_entry_points", lambda: (Point(),))
        registry = FieldRegistry().load_entry_points_later()
        assert calls == []
        for _ in range(2):
            registry.build({"type": "IntegerField", "name": "x"})
        assert calls == [registry]

    def test_the_entry_point_group_can_be_read(self) -> None:
        found = registry_module._entry_points()
        assert all(isinstance(point, metadata.EntryPoint) for point in found)


class TestReferences:
    def test_are_found_and_replaced_at_any_depth(self) -> None:
        lora, board = ModelReference("ink", type=("lora",)), BoardReference("b")
        image = ImageReference(b"x")
        value = [{"lora": lora, "weight": 1}, {"deep": [board, image, 3]}]
        assert list(find_references(value)) == [lora, board, image]
        wire = replace_references(value, {lora: LORA, board: "id", image: "a.png"})
        assert wire == [
            {"lora": LORA, "weight": 1},
            {"deep": [{"board_id": "id"}, {"image_name": "a.png"}, 3]},
        ]
        with pytest.raises(KeyError):
            replace_references(value, {})

    def test_a_submodel_goes_into_the_record(self) -> None:
        reference = ModelReference("x", submodel_type="vae")
        wire = replace_references(reference, {reference: SDXL})
        assert wire == {**SDXL, "submodel_type": "vae"}

    def test_equal_sources_are_one_reference(self, tmp_path: Path) -> None:
        opened = Image.new("RGB", (1, 1))
        assert ImageReference(tmp_path) == ImageReference(tmp_path)
        assert ImageReference(opened) == ImageReference(opened)
        assert ImageReference(opened) != ImageReference(opened.copy())
        assert len({ImageReference(b"a"), ImageReference(b"a")}) == 1
        assert ImageReference(b"a") != BoardReference("a")


def test_all_names_the_public_fields_in_order() -> None:
    assert ivk_fields.__all__ == sorted(ivk_fields.__all__)
    for name in ivk_fields.__all__:
        assert hasattr(ivk_fields, name)
    families = {name for name in ivk_fields.__all__ if name.startswith("Ivk")}
    classes = {row.one for row in FIELD_TYPES.values()}
    classes |= {row.many for row in FIELD_TYPES.values()}
    assert {kind.__name__ for kind in classes if kind is not None} <= families


def test_a_string_is_not_a_list_of_strings() -> None:
    field = IvkStringCollectionField(value=["a"])
    assert refused(field, "ab").kind == "type"

"""Objects that only an edge brings: which keys the server needs, by type name.

A literal of such a type in a file is sent all the same. Only the keys that the server's
schema requires are here; it ignores further ones. Read from the 6.14.2 schema
(docs/dev/checks.md says how). A type that is neither here nor in the table of field
types belongs to a custom node and is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping

from invokeai_py_client.ivk_fields.server_rules import ServerRule, keys_rule

_CONDITIONING = ("conditioning_name",)
_ENCODER = ("tokenizer", "text_encoder")
_BOX = ("x_min", "x_max", "y_min", "y_max")

_KEYS: Mapping[str, tuple[str, ...]] = {
    "AnimaConditioningField": _CONDITIONING,
    "AnimaLLLiteField": ("image_name", "control_model"),
    "BoundingBoxField": _BOX,
    "CLIPField": (*_ENCODER, "skipped_layers", "loras"),
    "CogView4ConditioningField": _CONDITIONING,
    "ConditioningField": _CONDITIONING,
    "ControlField": ("image", "control_model"),
    "ControlLoRAField": ("lora", "weight", "img"),
    "DenoiseMaskField": ("mask_name",),
    "ErnieImageConditioningField": _CONDITIONING,
    "FluxConditioningField": _CONDITIONING,
    "FluxControlNetField": ("image", "control_model"),
    "FluxFillConditioningField": ("image", "mask"),
    "FluxKontextConditioningField": ("image",),
    "FluxReduxConditioningField": ("conditioning",),
    "Gemma2EncoderField": _ENCODER,
    "GlmEncoderField": _ENCODER,
    "IPAdapterField": ("image", "ip_adapter_model", "image_encoder_model"),
    "Ideogram4ConditioningField": _CONDITIONING,
    "Ideogram4Region": ("prompt",),
    "Krea2ConditioningField": _CONDITIONING,
    "Krea2StyleReferenceField": ("reference_latents_name", "width", "height"),
    "LatentsField": ("latents_name",),
    "MetadataField": (),
    "MetadataItemField": ("label", "value"),
    "Mistral3EncoderField": _ENCODER,
    "MistralEncoderField": _ENCODER,
    "PiDDecoderField": ("decoder",),
    "PromptEnhancerField": _ENCODER,
    "Qwen3EncoderField": _ENCODER,
    "Qwen3VLEncoderField": _ENCODER,
    "QwenImageConditioningField": _CONDITIONING,
    "QwenVLEncoderField": _ENCODER,
    "SAMPointsField": ("points",),
    "SD3ConditioningField": _CONDITIONING,
    "T2IAdapterField": ("image", "t2i_adapter_model"),
    "T5EncoderField": (*_ENCODER, "loras"),
    "TensorField": ("tensor_name",),
    "Tile": ("coords", "overlap"),
    "TileWithImage": ("tile", "image"),
    "TransformerField": ("transformer", "loras"),
    "UNetField": ("unet", "scheduler", "loras"),
    "VAEField": ("vae",),
    "WanConditioningField": _CONDITIONING,
    "WanRefImageConditioningField": ("condition_tensor_name", "width", "height"),
    "WanT5EncoderField": _ENCODER,
    "WanTransformerField": ("transformer",),
    "WorkflowReturnValueField": ("key",),
    "ZImageConditioningField": _CONDITIONING,
    "ZImageControlField": ("image_name", "control_model"),
}

EDGE_OBJECTS: Mapping[str, ServerRule] = {
    name: keys_rule(name, keys) for name, keys in _KEYS.items()
}
"""What the server takes of each type."""

"""Which keys the server's objects need, by type name.

Only what its schema requires: further keys are ignored by the server, so they are
here too. Read from the 6.14.2 schema (docs/dev/checks.md says how). A type that is
not listed belongs to a custom node and is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["OBJECT_KEYS"]

_CONDITIONING = ("conditioning_name",)
_ENCODER = ("tokenizer", "text_encoder")
_BOX = ("x_min", "x_max", "y_min", "y_max")

OBJECT_KEYS: Mapping[str, tuple[str, ...]] = {
    "AnimaConditioningField": _CONDITIONING,
    "AnimaLLLiteField": ("image_name", "control_model"),
    "BoundingBoxField": _BOX,
    "CLIPField": (*_ENCODER, "skipped_layers", "loras"),
    "CogView4ConditioningField": _CONDITIONING,
    "ConditioningField": _CONDITIONING,
    "ControlField": ("image", "control_model"),
    "ControlLoRAField": ("lora", "weight", "img"),
    "ControlNetMetadataField": ("image", "control_model"),
    "DenoiseMaskField": ("mask_name",),
    "ErnieImageConditioningField": _CONDITIONING,
    "FloatGeneratorField": (),
    "FluxConditioningField": _CONDITIONING,
    "FluxControlNetField": ("image", "control_model"),
    "FluxFillConditioningField": ("image", "mask"),
    "FluxKontextConditioningField": ("image",),
    "FluxReduxConditioningField": ("conditioning",),
    "Gemma2EncoderField": _ENCODER,
    "GlmEncoderField": _ENCODER,
    "IPAdapterField": ("image", "ip_adapter_model", "image_encoder_model"),
    "IPAdapterMetadataField": (
        "image",
        "ip_adapter_model",
        "clip_vision_model",
        "method",
        "weight",
        "begin_step_percent",
        "end_step_percent",
    ),
    "Ideogram4ConditioningField": _CONDITIONING,
    "Ideogram4Region": ("prompt",),
    "ImageGeneratorField": (),
    "IntegerGeneratorField": (),
    "Krea2ConditioningField": _CONDITIONING,
    "Krea2StyleReferenceField": ("reference_latents_name", "width", "height"),
    "LatentsField": ("latents_name",),
    "LoRAMetadataField": ("model", "weight"),
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
    "StringGeneratorField": (),
    "T2IAdapterField": ("image", "t2i_adapter_model"),
    "T2IAdapterMetadataField": ("image", "t2i_adapter_model"),
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

"""Networks: one family a file, generator and critic together."""

from ganworks.nets.contract import Critic, Panel, Verdict, count_parameters
from ganworks.nets.dcgan import DCGANCritic, DCGANGenerator
from ganworks.nets.mlp import MLPCritic, MLPGenerator

__all__ = ["Critic", "DCGANCritic", "DCGANGenerator", "MLPCritic", "MLPGenerator", "Panel", "Verdict",
           "count_parameters"]

"""Third availability zone of the training network."""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.regions import REGIONS, only_where

CIDR: Final = "10.1.0.0/16"
"""Beside the network's own 10.0.0.0/16, which the subnets of the first two zones fill. Smaller ones in their place
would have to be created while the old ones still exist, which AWS refuses."""


class ThirdZone(Construct):
    """A public subnet in the third zone, where a region has three: spot capacity is short by zone.

    The compute environments and gateway endpoints that the scope already has use it too.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.Vpc) -> None:
        super().__init__(scope, construct_id)
        exists = only_where(self, "Exists", [name for name, region in REGIONS.items() if region.zones >= 3])
        block = ec2.CfnVPCCidrBlock(self, "Block", vpc_id=vpc.vpc_id, cidr_block=CIDR)
        subnet = ec2.PublicSubnet(
            self,
            "Subnet",
            vpc_id=vpc.vpc_id,
            availability_zone=cdk.Fn.select(2, cdk.Fn.get_azs()),
            cidr_block=CIDR,
            map_public_ip_on_launch=True,
        )
        subnet.node.add_dependency(block)
        gateway = vpc.internet_gateway_id
        assert gateway is not None  # noqa: S101  a network with public subnets has one
        subnet.add_default_internet_route(gateway, vpc.internet_connectivity_established)
        for child in self.node.find_all():
            if isinstance(child, cdk.CfnResource):
                child.cfn_options.condition = exists
        subnets = [public.subnet_id for public in vpc.public_subnets]
        tables = [public.route_table.route_table_id for public in vpc.public_subnets]
        for child in scope.node.find_all():
            if isinstance(child, batch.CfnComputeEnvironment):
                child.add_property_override("ComputeResources.Subnets", [*subnets, _if(exists, subnet.subnet_id)])
            elif isinstance(child, ec2.CfnVPCEndpoint):
                table = _if(exists, subnet.route_table.route_table_id)
                child.add_property_override("RouteTableIds", [*tables, table])


def _if(condition: cdk.CfnCondition, value: str) -> cdk.IResolvable:
    return cdk.Fn.condition_if(condition.logical_id, value, cdk.Aws.NO_VALUE)
